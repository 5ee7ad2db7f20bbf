"""One open serial port on which every wait has an end. Used once: after PortLost open another."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import select
import termios
import time
from collections.abc import Iterator
from enum import StrEnum

import serial

CONSOLE_BAUD = 115_200  # of MicroPython's console, fixed when it was built
HEARD_OCTETS = 4_096  # kept of what came, to tell what is at the other end
WRITE_STALL_S = 5.0  # nobody takes what is written
RESET_PULSE_S = 0.1
LAST_WORDS_S = 0.5  # before a close: a line that takes anything takes the longest frame in 22 ms
_LAST_WORDS_POLL_S = 0.002
_READ_OCTETS = 4_096
_PTY_DIRECTORY = "/dev/pts/"


class OpenFault(StrEnum):
    """Why a port did not open."""

    ABSENT = "absent"
    BUSY = "busy"
    DENIED = "denied"
    FAILED = "failed"


_FAULTS = {
    errno.ENOENT: OpenFault.ABSENT,
    errno.ENXIO: OpenFault.ABSENT,
    errno.ENODEV: OpenFault.ABSENT,
    errno.EBUSY: OpenFault.BUSY,  # TIOCEXCL of somebody else
    errno.EAGAIN: OpenFault.BUSY,  # flock of somebody else
    errno.EACCES: OpenFault.DENIED,
    errno.EPERM: OpenFault.DENIED,
}


class PortUnopened(Exception):
    """The port did not open."""

    def __init__(self, path: str, fault: OpenFault, detail: str) -> None:
        super().__init__(f"{path}: {fault}: {detail}")
        self.path = path
        self.fault = fault
        self.detail = detail


class PortLost(Exception):
    """The port is gone while it was in use."""

    def __init__(self, path: str, detail: str) -> None:
        super().__init__(f"{path}: {detail}")
        self.path = path
        self.detail = detail


class NoAnswer(Exception):
    """What was waited for did not come in time."""

    def __init__(self, path: str, after_s: float) -> None:
        super().__init__(f"{path}: no answer within {after_s:.0f} s")
        self.path = path
        self.after_s = after_s


class SerialPort:
    """Octets in and out, each call until the deadline that `within` sets. Raises NoAnswer, PortLost.

    `heard` is the newest of everything that came. `inWaiting` has the name that mpremote calls.
    """

    def __init__(self, device: serial.Serial, path: str) -> None:
        self.path = path
        self.heard = b""
        self._device = device
        self._fd = device.fileno()
        self._arrived = bytearray()
        self._limit_s = 0.0
        self._deadline_s = 0.0

    @classmethod
    def open(cls, path: str, *, lines_high: bool) -> SerialPort:
        """Open for this program alone, 115200 8N1. Raises PortUnopened.

        `lines_high`: DTR and RTS on, as mpremote has it: a board with USB of its own says nothing
        without DTR. Otherwise both off, as the gateway has it; neither resets an ESP32.
        """
        # dsrdtr only keeps pyserial from dropping DTR before RTS: RTS alone holds an ESP32 in reset.
        device = serial.Serial(None, CONSOLE_BAUD, exclusive=True, dsrdtr=not lines_high)
        device.dtr = device.rts = lines_high
        device.port = path
        try:
            device.open()
        except OSError as error:
            fault = _FAULTS.get(error.errno or 0, OpenFault.FAILED)
            detail = os.strerror(error.errno) if error.errno else str(error)
            raise PortUnopened(path, fault, detail) from error
        except (termios.error, ValueError) as error:
            raise PortUnopened(path, OpenFault.FAILED, str(error)) from error
        try:
            _claim(device, path, lines_high=lines_high)
        except (OSError, termios.error) as error:
            device.close()
            raise PortUnopened(path, OpenFault.FAILED, str(error)) from error
        return cls(device, path)

    @contextlib.contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Give everything inside so long in all."""
        before = self._limit_s, self._deadline_s
        self.extend(seconds)
        try:
            yield
        finally:
            self._limit_s, self._deadline_s = before

    def extend(self, seconds: float) -> None:
        """Something moved: so long from now."""
        self._limit_s = seconds
        self._deadline_s = time.monotonic() + seconds

    def read(self, count: int) -> bytes:
        """Exactly `count` octets."""
        while len(self._arrived) < count:
            self._fill(self._left_s())
        taken = bytes(self._arrived[:count])
        del self._arrived[:count]
        return taken

    def read_some(self) -> bytes:
        """What is there, at least one octet."""
        return self.read(max(1, self.inWaiting()))

    def inWaiting(self) -> int:  # noqa: N802 - as pyserial and so mpremote call it
        """How many octets can be read at once."""
        self._left_s()  # a line that never falls silent must not hold anybody for ever
        self._fill(0)
        return len(self._arrived)

    def write(self, octets: bytes) -> int:
        """Write all of it."""
        left = memoryview(octets)
        while left:
            if not select.select([], [self._fd], [], min(self._left_s(), WRITE_STALL_S))[1]:
                raise NoAnswer(self.path, WRITE_STALL_S)
            try:
                left = left[os.write(self._fd, left) :]
            except BlockingIOError:
                continue
            except OSError as error:
                raise PortLost(self.path, error.strerror or str(error)) from error
        return len(octets)

    def pulse_reset(self) -> bool:
        """Reset the board by the line that auto-reset boards have on RTS; False if there is none."""
        try:
            self._device.dtr = False
            self._device.rts = True
            time.sleep(RESET_PULSE_S)
            self._device.rts = False
        except OSError:  # a pty has no such lines
            return False
        return True

    def close(self) -> None:
        """Let go of the port, after what was written last has left; twice is fine."""
        if not self._device.is_open:
            return
        with contextlib.suppress(OSError, termios.error):
            if not self._all_has_left():
                termios.tcflush(self._fd, termios.TCOFLUSH)  # else the close waits for a stuck line
        with contextlib.suppress(OSError):
            self._device.rts = False  # before DTR: the other order is a reset
            self._device.dtr = False
        with contextlib.suppress(OSError):
            self._device.close()

    def _all_has_left(self) -> bool:
        until_s = time.monotonic() + LAST_WORDS_S
        while self._device.out_waiting:
            if time.monotonic() > until_s:
                return False
            time.sleep(_LAST_WORDS_POLL_S)
        return True

    def _left_s(self) -> float:
        left_s = self._deadline_s - time.monotonic()
        if left_s <= 0:
            raise NoAnswer(self.path, self._limit_s)
        return left_s

    def _fill(self, seconds: float) -> None:
        if not self._device.is_open:
            raise PortLost(self.path, "closed")
        if not select.select([self._fd], [], [], seconds)[0]:
            return
        try:
            octets = os.read(self._fd, _READ_OCTETS)
        except BlockingIOError:
            return
        except OSError as error:
            raise PortLost(self.path, error.strerror or str(error)) from error
        if not octets:
            raise PortLost(self.path, "hung up")
        self._arrived += octets
        self.heard = (self.heard + octets)[-HEARD_OCTETS:]


def _claim(device: serial.Serial, path: str, *, lines_high: bool) -> None:
    if not lines_high:
        with contextlib.suppress(OSError):  # a pty has no such line
            device.dtr = False
    attributes = termios.tcgetattr(device.fileno())
    attributes[2] &= ~termios.HUPCL  # the board must not be reset when we leave
    attributes[6][termios.VMIN] = 1  # with 0 no data and hang-up look the same
    termios.tcsetattr(device.fileno(), termios.TCSANOW, attributes)
    # On a pty the flag outlives a program that was killed; the flock of `exclusive` holds there, too.
    if not os.path.realpath(path).startswith(_PTY_DIRECTORY):
        fcntl.ioctl(device.fileno(), termios.TIOCEXCL)
