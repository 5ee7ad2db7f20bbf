"""The rest of `machine`, and `esp32`: clock, watchdog, memory that outlives a reset, resets."""

import errno as native_errno
import machine as native
import uctypes

import clock
import link
import one_wire
import wait
from analog import ADC, mcu_temperature, raw_temperature
from buses import I2C, SoftI2C, UART
from codes import WDT_FEED
from pins import Pin
from shim import late, module
from spi import SPI, SoftSPI
from timers import Timer

PWRON_RESET = 1
HARD_RESET = 2
WDT_RESET = 3
DEEPSLEEP_RESET = 4
SOFT_RESET = 5

_RTC_MEMORY_OCTETS = 2048
_PIECE_OCTETS = 128
_FREQUENCIES = (20000000, 40000000, 80000000, 160000000, 240000000)
_frequency = 160000000
_ERRNOS = {
    "EADDRINUSE": 112,
    "ECONNABORTED": 113,
    "ETIMEDOUT": 116,
    "EHOSTUNREACH": 118,
    "EINPROGRESS": 119,
    "EALREADY": 120,
    "ENOTCONN": 128,
}


class WDT:
    def __init__(self, id=0, timeout=5000):
        if timeout <= 0:
            raise ValueError("WDT timeout too short")
        link.query("wdt", timeout)

    def feed(self):
        link.tell(WDT_FEED)
        link.flush()


class RTC:
    def datetime(self, moment=None):
        if moment is None:
            now = clock.now_ns()
            y, mo, d, h, mi, s, wd, _ = clock.gmtime(now // 1000000000)
            return (y, mo, d, wd, h, mi, s, now % 1000000000 // 1000)
        y, mo, d, _, h, mi, s, us = moment
        offset = clock.offset_for(clock.mktime((y, mo, d, h, mi, s, 0, 0))) - us * 1000
        clock.set_rtc(offset)
        link.query("rtc_offset", offset)

    init = datetime

    def memory(self, octets=None):
        # In pieces: as hexadecimal digits all of it would take more heap than the firmware is to have.
        if octets is None:
            pieces = []
            while not pieces or len(pieces[-1]) == _PIECE_OCTETS:
                pieces.append(
                    bytes.fromhex(link.query("rtc_memory", len(pieces) * _PIECE_OCTETS, _PIECE_OCTETS))
                )
            return b"".join(pieces)
        if len(octets) > _RTC_MEMORY_OCTETS:
            raise ValueError("buffer too long")
        view = memoryview(octets)
        for at in range(0, len(octets), _PIECE_OCTETS):
            link.query("rtc_store", at, bytes(view[at : at + _PIECE_OCTETS]).hex(), False)
        link.query("rtc_store", len(octets), "", True)


def _nvs_name(name):
    if len(name) > 15:
        raise OSError(-4361, "ESP_ERR_NVS_KEY_TOO_LONG")
    return name


class NVS:
    def __init__(self, namespace):
        self._namespace = _nvs_name(namespace)

    def set_i32(self, key, value):
        link.query("nvs_set", self._namespace, _nvs_name(key), int(value))

    def get_i32(self, key):
        return link.query("nvs_get", self._namespace, key, 0)

    def set_blob(self, key, octets):
        link.query("nvs_set", self._namespace, _nvs_name(key), bytes(octets).hex())

    def get_blob(self, key, buffer):
        octets = bytes.fromhex(link.query("nvs_get", self._namespace, key, ""))
        if len(octets) > len(buffer):
            raise OSError(-4364, "ESP_ERR_NVS_INVALID_LENGTH")
        buffer[: len(octets)] = octets
        return len(octets)

    def erase_key(self, key):
        link.query("nvs_erase", self._namespace, key)

    def commit(self):
        link.query("nvs_commit")


class _Memory:
    # The unix port's own would open /dev/mem.
    def __init__(self, octets):
        self._octets = octets

    def __getitem__(self, address):
        return int.from_bytes(uctypes.bytes_at(address, self._octets), "little")

    def __setitem__(self, address, value):
        limit = 1 << 8 * self._octets
        uctypes.bytearray_at(address, self._octets)[:] = (value % limit).to_bytes(self._octets, "little")


def _end(name, *arguments):
    # The host kills this process; nothing in the firmware can stop that.
    link.query(name, *arguments)
    while True:
        wait.sleep_ms(1000)


def freq(hz=None):
    global _frequency
    if hz is None:
        return _frequency
    if hz not in _FREQUENCIES:
        raise ValueError("frequency must be 20MHz, 40MHz, 80Mhz, 160MHz or 240MHz")
    _frequency = hz


def soft_reset():
    raise SystemExit


def lightsleep(ms=0):
    wait.sleep_ms(ms)


def install(config):
    uid = bytes.fromhex(config["uid"])
    cause = config["cause"]
    UART.fds.update({int(number): config["uarts"][number] for number in config["uarts"]})
    module(
        "machine",
        native,
        "Signal time_pulse_us idle",
        Pin=Pin,
        I2C=I2C,
        SoftI2C=SoftI2C,
        SPI=SPI,
        SoftSPI=SoftSPI,
        ADC=ADC,
        Timer=Timer,
        UART=UART,
        WDT=WDT,
        RTC=RTC,
        PWRON_RESET=PWRON_RESET,
        HARD_RESET=HARD_RESET,
        WDT_RESET=WDT_RESET,
        DEEPSLEEP_RESET=DEEPSLEEP_RESET,
        SOFT_RESET=SOFT_RESET,
        unique_id=lambda: uid,
        reset_cause=lambda: cause,
        reset=lambda: _end("reset"),
        deepsleep=lambda ms=0: _end("deepsleep", ms),
        bootloader=lambda timeout=0: _end("bootloader"),
        soft_reset=soft_reset,
        lightsleep=lightsleep,
        freq=freq,
        disable_irq=lambda: 0,
        enable_irq=lambda state: None,
        mem8=_Memory(1),
        mem16=_Memory(2),
        mem32=_Memory(4),
    )
    module(
        "esp32",
        NVS=NVS,
        raw_temperature=raw_temperature,
        mcu_temperature=mcu_temperature,
    )
    module(
        "_onewire",
        reset=one_wire.reset,
        readbit=one_wire.readbit,
        readbyte=one_wire.readbyte,
        writebit=one_wire.writebit,
        writebyte=one_wire.writebyte,
        crc8=one_wire.crc8,
    )
    late("onewire")
    late("ds18x20")
    late("network")
    late("socket")
    _install_errno()


def _install_errno():
    # The numbers of the ESP32's C library, which are not all those of Linux.
    codes = {}
    for code in native_errno.errorcode:
        name = native_errno.errorcode[code]
        codes[name] = _ERRNOS.get(name, code)
    module("errno", errorcode={codes[name]: name for name in codes}, **codes)
