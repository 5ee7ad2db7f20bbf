"""machine.I2C, SoftI2C and UART: what is on the wires is the host's."""

import io

import link
import ticks
import wait
from codes import I2C as _TRANSFER
from codes import WAITING
from console import Reader, write_line
from pins import number_of

_DEFAULT_PINS = ((18, 19), (25, 26))  # scl, sda of I2C(0) and I2C(1)
_CALL_US = 40  # of the ESP32's driver
_FRAME_BITS = 20  # start, address, stop
_OCTET_BITS = 9
_ETIMEDOUT = 116
_GET_FILENO = 10
_READ_SHIFT = 4  # below it the bus, in the message's middle
_READ_MOST = 4095


class I2C:
    def __init__(self, bus=-1, *, scl=None, sda=None, freq=400000, timeout=50000):
        default = _DEFAULT_PINS[bus] if 0 <= bus < 2 else (-1, -1)
        self._pins = (number_of(scl, default[0]), number_of(sda, default[1]))
        self._freq = freq
        self._timeout_us = timeout
        self._bus = link.query("i2c", *self._pins, bus >= 0)

    def init(self, *, freq=400000, **settings):
        self._freq = freq

    def deinit(self):
        pass

    def _transfer(self, address, octets, count, into=None):
        if count > _READ_MOST:
            raise ValueError("over 4095 octets")
        ticks.work(_CALL_US + (_FRAME_BITS + _OCTET_BITS * (len(octets) + count)) * 1000000 // self._freq)
        try:
            return link.ask(_TRANSFER, address, self._bus | count << _READ_SHIFT, len(octets), octets, into)
        except OSError as error:
            if error.errno == _ETIMEDOUT:
                wait.sleep_us(self._timeout_us)
            raise

    def scan(self):
        found = []
        for address in range(8, 120):
            try:
                self._transfer(address, b"", 0)
                found.append(address)
            except OSError:
                pass
        return found

    def writeto(self, address, octets, stop=True):
        self._transfer(address, octets, 0)
        return len(octets)

    def writevto(self, address, vector, stop=True):
        return self.writeto(address, b"".join([bytes(octets) for octets in vector]))

    def readfrom(self, address, count, stop=True):
        return bytes(self._transfer(address, b"", count))

    def readfrom_into(self, address, buffer, stop=True):
        self._transfer(address, b"", len(buffer), buffer)

    def writeto_mem(self, address, register, octets, *, addrsize=8):
        self._transfer(address, register.to_bytes(addrsize // 8, "big") + octets, 0)

    def readfrom_mem(self, address, register, count, *, addrsize=8):
        return bytes(self._transfer(address, register.to_bytes(addrsize // 8, "big"), count))

    def readfrom_mem_into(self, address, register, buffer, *, addrsize=8):
        self._transfer(address, register.to_bytes(addrsize // 8, "big"), len(buffer), buffer)

    def __repr__(self):
        return "I2C(scl=%d, sda=%d)" % self._pins


class SoftI2C(I2C):
    def __init__(self, scl, sda, *, freq=400000, timeout=50000):
        super().__init__(-1, scl=scl, sda=sda, freq=freq, timeout=timeout)


class UART(io.IOBase):
    """UART 1 or 2. Not wired: what is written is lost and nothing comes."""

    INV_TX = 4
    INV_RX = 1
    fds = {}  # number -> file descriptor of what arrives

    def __init__(self, number, baudrate=115200, **settings):
        if number not in (1, 2):
            raise ValueError("UART(%d) does not exist" % number)
        self._number = number
        self._timeout_ms = 0
        self._reader = None
        self.init(baudrate, **settings)

    def init(self, baudrate=115200, bits=8, parity=None, stop=1, *, rxbuf=256, timeout=0, **settings):
        link.query("uart", self._number, baudrate, max(rxbuf, 32))
        if self._number in UART.fds:
            self._reader = Reader(UART.fds[self._number], timeout)

    def deinit(self):
        self._reader = None

    def any(self):
        return link.ask(WAITING, self._number)

    def read(self, count=-1):
        return self._reader.read(count) if self._reader else None

    def readinto(self, buffer, count=-1):
        return self._reader.readinto(buffer, count) if self._reader else None

    def readline(self, limit=-1):
        return self._reader.readline(limit) if self._reader else None

    def write(self, buffer, *limits):
        return write_line(self._number, buffer, *limits)

    def flush(self):
        pass

    def txdone(self):
        return True

    def sendbreak(self):
        pass

    def ioctl(self, request, argument):
        if request == _GET_FILENO and self._reader:
            return UART.fds[self._number]
        return -1
