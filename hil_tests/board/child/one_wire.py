"""`_onewire`, the slots of a 1-wire bus, as the ESP32's firmware has it in C."""

import link
from codes import ONE_WIRE

_RESET = 0
_READ = 1
_WRITE = 2
_BITS_SHIFT = 2
_POLYNOMIAL = 0x8C  # of Maxim's CRC-8, lowest bit first


def reset(pin):
    return bool(link.ask(ONE_WIRE, pin.number, _RESET))


def readbit(pin):
    return link.ask(ONE_WIRE, pin.number, _READ | 1 << _BITS_SHIFT)


def readbyte(pin):
    return link.ask(ONE_WIRE, pin.number, _READ | 8 << _BITS_SHIFT)


def writebit(pin, value):
    link.ask(ONE_WIRE, pin.number, _WRITE | 1 << _BITS_SHIFT, 1 if value else 0)


def writebyte(pin, value):
    link.ask(ONE_WIRE, pin.number, _WRITE | 8 << _BITS_SHIFT, value & 0xFF)


def crc8(octets):
    crc = 0
    for octet in octets:
        crc ^= octet
        for _ in range(8):
            crc = crc >> 1 ^ _POLYNOMIAL if crc & 1 else crc >> 1
    return crc
