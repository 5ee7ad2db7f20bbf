"""machine.SPI and SoftSPI: every octet out brings one back; which chip listens its select pin decides."""

import link
import ticks
from codes import SPI as _TRANSFER
from pins import number_of

_CALL_US = 30  # of the ESP32's driver
_DEFAULT_PINS = ((14, 13, 12), (18, 23, 19))  # sck, mosi, miso of SPI(1) and SPI(2)


class SPI:
    MSB = 0
    LSB = 1

    def __init__(self, id, *arguments, sck=None, mosi=None, miso=None, **settings):
        if id not in (1, 2):
            raise ValueError("SPI(%d) doesn't exist" % id)
        default = _DEFAULT_PINS[id - 1]
        self._pins = (number_of(sck, default[0]), number_of(mosi, default[1]), number_of(miso, default[2]))
        self._open(*arguments, **settings)

    def init(self, *arguments, sck=None, mosi=None, miso=None, **settings):
        pins = self._pins
        self._pins = (number_of(sck, pins[0]), number_of(mosi, pins[1]), number_of(miso, pins[2]))
        self._open(*arguments, **settings)

    def _open(self, baudrate=500000, *, polarity=0, phase=0, bits=8, firstbit=MSB):
        if bits != 8 or firstbit != SPI.MSB:
            raise NotImplementedError("8 bits, the highest first")
        self._baudrate = baudrate
        self._bus = link.query("spi", *self._pins, polarity << 1 | phase)

    def deinit(self):
        pass

    def _transfer(self, octets, into=None):
        ticks.work(_CALL_US + 8 * len(octets) * 1000000 // self._baudrate)
        return link.ask(_TRANSFER, self._bus, 0, len(octets), octets, into) if len(octets) else b""

    def write(self, octets):
        self._transfer(octets)

    def read(self, count, write=0):
        return bytes(self._transfer(bytes((write,)) * count))

    def readinto(self, buffer, write=0):
        self._transfer(bytes((write,)) * len(buffer), buffer)

    def write_readinto(self, octets, buffer):
        if len(octets) != len(buffer):
            raise ValueError("buffers must be the same length")
        self._transfer(octets, buffer)

    def __repr__(self):
        return "SPI(sck=%d, mosi=%d, miso=%d)" % self._pins


class SoftSPI(SPI):
    def __init__(self, *arguments, sck, mosi, miso, **settings):
        self._pins = (number_of(sck, -1), number_of(mosi, -1), number_of(miso, -1))
        self._open(*arguments, **settings)
