"""One serial port while it is open. Used once: after PortLost or `close` there is nothing to revive."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import os
import termios
from enum import StrEnum

import serial

from gateway.host_clock import boottime_ns
from gateway.line_port import Frames
from gateway.serial_adapter import SerialAdapter, adapter_of

READ_LIMIT = 65536  # octets a read takes at most
WRITE_STALL_S = 5.0  # a frame down is 240 octets: 21 ms at 115200 baud
PTY_DIRECTORY = "/dev/pts/"
NO_MODEM_LINES = (errno.ENOTTY, errno.EINVAL)


class PortLost(Exception):
    """The port is gone. `reason` is a stable word or an errno's name."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: lost: {reason}")
        self.path = path
        self.reason = reason


class OpenFault(StrEnum):
    """Why a port did not open."""

    ABSENT = "absent"
    BUSY = "busy"
    DENIED = "denied"
    FAILED = "failed"


class PortUnopened(Exception):
    """The port did not open."""

    def __init__(self, path: str, fault: OpenFault, detail: str) -> None:
        super().__init__(f"{path}: {fault}: {detail}")
        self.path = path
        self.fault = fault
        self.detail = detail


_FAULTS = {
    errno.ENOENT: OpenFault.ABSENT,
    errno.ENXIO: OpenFault.ABSENT,
    errno.ENODEV: OpenFault.ABSENT,
    errno.EBUSY: OpenFault.BUSY,  # TIOCEXCL of somebody else
    errno.EAGAIN: OpenFault.BUSY,  # flock of somebody else
    errno.EACCES: OpenFault.DENIED,
    errno.EPERM: OpenFault.DENIED,
}


class SerialPort:
    """An open port. One task reads, one task writes; neither ever blocks the event loop."""

    framing = Frames
    uid = None  # whoever is on the cable

    def __init__(
        self, device: serial.Serial, path: str, adapter: SerialAdapter, write_stall_s: float
    ) -> None:
        self.path = path
        self.adapter = adapter
        self._device = device
        self._fd = device.fileno()
        self._write_stall_s = write_stall_s
        self._reading: asyncio.Future[tuple[bytes, int]] | None = None
        self._writing: asyncio.Future[None] | None = None

    @classmethod
    def open(cls, path: str, baud: int, *, write_stall_s: float = WRITE_STALL_S) -> SerialPort:
        """Open for this program alone: raw 8N1, DTR and RTS low, kept low on close.

        Raises PortUnopened. What the kernel had received before is dropped: it is of unknown age.
        """
        # inter_byte_timeout 0 makes pyserial set VMIN 1, with which no data and hang-up differ.
        # dsrdtr only keeps pyserial from dropping DTR before RTS: RTS alone holds an ESP32 in reset.
        device = serial.Serial(None, baud, timeout=0, inter_byte_timeout=0.0, exclusive=True, dsrdtr=True)
        device.dtr = False
        device.rts = False
        device.port = path
        try:
            device.open()
        except OSError as error:
            fault = _FAULTS.get(error.errno or 0, OpenFault.FAILED)
            raise PortUnopened(path, fault, _reason(error)) from error
        except (termios.error, ValueError, OverflowError) as error:
            raise PortUnopened(path, OpenFault.FAILED, str(error)) from error
        try:
            _claim(device, path)
        except (OSError, termios.error) as error:
            device.close()
            raise PortUnopened(path, OpenFault.FAILED, str(error)) from error
        return cls(device, path, adapter_of(path, baud), write_stall_s)

    async def read(self) -> tuple[bytes, int]:
        """What has come, at least one octet, and CLOCK_BOOTTIME right after. Raises PortLost."""
        loop = asyncio.get_running_loop()
        reading: asyncio.Future[tuple[bytes, int]] = loop.create_future()
        self._reading = reading
        loop.add_reader(self._usable(), self._on_readable, reading)
        try:
            return await reading
        finally:
            self._reading = None
            if self._device.is_open:
                loop.remove_reader(self._fd)

    async def write(self, data: bytes) -> None:
        """Hand all of `data` to the kernel. Raises PortLost, also when it takes nothing for long."""
        loop = asyncio.get_running_loop()
        rest = memoryview(data)
        deadline_s = loop.time() + self._write_stall_s
        while rest:
            try:
                taken = os.write(self._usable(), rest)
            except BlockingIOError:
                await self._wait_writable(deadline_s)
                continue
            except OSError as error:
                raise PortLost(self.path, _reason(error)) from error
            rest = rest[taken:]
            deadline_s = loop.time() + self._write_stall_s

    def close(self) -> None:
        """Give the port back. A read or write that waits ends with PortLost. May be called again."""
        if not self._device.is_open:
            return
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._fd)
        loop.remove_writer(self._fd)
        lost = PortLost(self.path, "closed")
        for waiting in (self._reading, self._writing):
            if waiting is not None and not waiting.done():
                waiting.set_exception(lost)
        with contextlib.suppress(OSError, termios.error):
            # What is still to be sent would hold up the close for as long as the line is stuck.
            termios.tcflush(self._fd, termios.TCOFLUSH)
            fcntl.ioctl(self._fd, termios.TIOCNXCL)
        with contextlib.suppress(OSError):
            self._device.close()

    def _usable(self) -> int:
        if not self._device.is_open:
            raise PortLost(self.path, "closed")
        return self._fd

    def _on_readable(self, reading: asyncio.Future[tuple[bytes, int]]) -> None:
        if reading.done():
            return
        try:
            data = os.read(self._fd, READ_LIMIT)
        except BlockingIOError:
            return
        except OSError as error:
            reading.set_exception(PortLost(self.path, _reason(error)))
            return
        if data:
            reading.set_result((data, boottime_ns()))
        else:
            reading.set_exception(PortLost(self.path, "hangup"))

    async def _wait_writable(self, deadline_s: float) -> None:
        loop = asyncio.get_running_loop()
        writable: asyncio.Future[None] = loop.create_future()
        self._writing = writable
        loop.add_writer(self._fd, _settle, writable)
        try:
            async with asyncio.timeout_at(deadline_s):
                await writable
        except TimeoutError:
            raise PortLost(self.path, "write_stalled") from None
        finally:
            self._writing = None
            if self._device.is_open:
                loop.remove_writer(self._fd)


def _claim(device: serial.Serial, path: str) -> None:
    """What pyserial leaves undone: DTR low, no pulse on close, no second opener."""
    try:
        device.dtr = False
    except OSError as error:
        if error.errno not in NO_MODEM_LINES:
            raise
    attributes = termios.tcgetattr(device.fileno())
    attributes[2] &= ~termios.HUPCL
    termios.tcsetattr(device.fileno(), termios.TCSANOW, attributes)
    # On a pty the flag outlives us for as long as its maker holds the other side: a program that
    # was killed would lock everybody out. The flock of `exclusive` holds there, too.
    if not os.path.realpath(path).startswith(PTY_DIRECTORY):
        fcntl.ioctl(device.fileno(), termios.TIOCEXCL)


def _reason(error: OSError) -> str:
    return errno.errorcode.get(error.errno or 0, str(error))


def _settle(waiting: asyncio.Future[None]) -> None:
    if not waiting.done():
        waiting.set_result(None)
