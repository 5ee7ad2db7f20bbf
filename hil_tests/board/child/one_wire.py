"""`_onewire`, the slots of a 1-wire bus, as the ESP32's firmware has it in C."""

import link
import ticks
from codes import ONE_WIRE

_RESET = 0
_READ = 1
_WRITE = 2
_BITS_SHIFT = 2
_RESET_US = 960
_SLOT_US = 70
_POLYNOMIAL = 0x8C  # of Maxim's CRC-8, lowest bit first


def _slots(pin, operation, count, bits=0):
    ticks.work(_SLOT_US * count)
    return link.ask(ONE_WIRE, pin.number, operation | count << _BITS_SHIFT, bits)


def reset(pin):
    ticks.work(_RESET_US)
    return bool(link.ask(ONE_WIRE, pin.number, _RESET))


def readbit(pin):
    return _slots(pin, _READ, 1)


def readbyte(pin):
    return _slots(pin, _READ, 8)


def writebit(pin, value):
    _slots(pin, _WRITE, 1, 1 if value else 0)


def writebyte(pin, value):
    _slots(pin, _WRITE, 8, value & 0xFF)


def crc8(octets):
    crc = 0
    for octet in octets:
        crc ^= octet
        for _ in range(8):
            crc = crc >> 1 ^ _POLYNOMIAL if crc & 1 else crc >> 1
    return crc
