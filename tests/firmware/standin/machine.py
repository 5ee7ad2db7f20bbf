"""What stands in for the ESP32's `machine` on a PC: one BME280 at 0x76, one HX711 on pins 18, 19.

Only physical things: registers with fixed contents, a converter that is ready every 100 ms.
Environment: FIELDGATE_ABSENT=1 leaves the BME280 out; FIELDGATE_RESET is the reset cause's number;
FIELDGATE_CONVERSION_US is the HX711's time for a conversion, 100000 by default.
"""

import os
import sys
import time

PWRON_RESET = 1
HARD_RESET = 2
WDT_RESET = 3
DEEPSLEEP_RESET = 4
SOFT_RESET = 5

_TRIM_TP = (  # dig_T1 ... dig_P9 of the datasheet's worked example
    (27504, 26435, -1000, 36477, -10685, 3024, 2855, 140, -7, 15500, -14600, 6000)
)
_CONVERSION_US = int(os.getenv("FIELDGATE_CONVERSION_US") or 100000)


def unique_id():
    return b"\x24\x0a\xc4\x00\x00\x01"


def reset_cause():
    return int(os.getenv("FIELDGATE_RESET") or PWRON_RESET)


def reset():
    print("MACHINE RESET")
    sys.exit(7)


def disable_irq():
    return 1


def enable_irq(state):
    pass


class WDT:
    def __init__(self, timeout=5000):
        pass

    def feed(self):
        pass


class Timer:
    PERIODIC = 1

    def __init__(self, number):
        pass

    def init(self, mode=PERIODIC, period=-1, callback=None):
        pass

    def deinit(self):
        pass


class RTC:
    _memory = b""

    def memory(self, octets=None):
        if octets is None:
            return RTC._memory
        RTC._memory = bytes(octets)
        return None


class I2C:
    def __init__(self, bus, scl=None, sda=None, freq=400000):
        self._registers = bytearray(256)
        at = 0x88
        for value in _TRIM_TP:
            self._registers[at] = value & 0xFF
            self._registers[at + 1] = value >> 8 & 0xFF
            at += 2
        self._registers[0xA1] = 75
        self._registers[0xE1:0xE8] = bytes([0x72, 0x01, 0, 0x13, 0x29, 0x03, 30])
        self._registers[0xD0] = 0x60
        self._registers[0xF7:0xFF] = bytes([0x65, 0x5A, 0xC0, 0x7E, 0xED, 0x00, 0x75, 0x30])

    def _check(self, address):
        if address != 0x76 or os.getenv("FIELDGATE_ABSENT"):
            raise OSError(19)

    def readfrom_mem(self, address, register, count):
        self._check(address)
        return bytes(self._registers[register : register + count])

    def readfrom_mem_into(self, address, register, buffer):
        self._check(address)
        buffer[:] = self._registers[register : register + len(buffer)]

    def writeto_mem(self, address, register, octets):
        self._check(address)
        for octet in octets:
            if 0xF2 <= register <= 0xF5:
                # Forced mode ends at once: bits 0 and 1 of ctrl_meas read as sleep.
                self._registers[register] = octet & 0xFC if register == 0xF4 else octet
            register += 1


class UART:
    def __init__(self, number, **settings):
        raise ValueError("no UART is wired here")


class _Hx711:
    def __init__(self):
        self._ready_us = time.ticks_us()
        self._code = 84000
        self._pulses = 0
        self._clock = 0

    def data(self):
        if self._pulses > 24 and time.ticks_diff(time.ticks_us(), self._ready_us) >= 0:
            self._pulses = 0
        if self._pulses == 0:
            return 0
        return 1 if self._pulses > 24 else self._code >> (24 - self._pulses) & 1

    def clock(self, level):
        if level and not self._clock:
            self._pulses += 1
            if self._pulses == 25:
                self._code = 84000 + (self._code + 7) % 64
                self._ready_us = time.ticks_add(time.ticks_us(), _CONVERSION_US)
        self._clock = level


_hx711 = _Hx711()


class Pin:
    IN = 0
    OUT = 1
    PULL_UP = 2

    def __init__(self, number, mode=-1, pull=-1, value=None):
        if number > 39:
            raise ValueError("invalid pin")
        self._number = number

    def value(self, level=None):
        if level is None:
            return _hx711.data() if self._number == 19 else 0
        if self._number == 18:
            _hx711.clock(level)
        return None

    def __call__(self, *level):
        return self.value(*level)
