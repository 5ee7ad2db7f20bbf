"""What a line runs on: a port with its framing. Octets of a serial line, or messages of a broker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from wire.framing import ESCAPES_DOWN, FRAME_LIMIT_UP, FrameReader, stuff

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.serial_adapter import SerialAdapter


class Framing(Protocol):
    """From what a port reads to messages, and from a message to what it writes."""

    def messages(self, data: bytes) -> list[bytes]:
        """Those that the data complete."""
        ...

    def take_text(self) -> bytes:
        """Console text since the last call."""
        ...

    def packed(self, message: bytes) -> bytes:
        """What to write."""
        ...


class LinePort(Protocol):
    """An open port: gateway.serial_port.SerialPort, gateway.wifi_line.WifiLine.

    `uid` is the only node that may speak there, None where that is open.
    """

    path: str
    adapter: SerialAdapter

    @property
    def uid(self) -> bytes | None: ...

    @property
    def framing(self) -> Callable[[Callable[[str, bytes], None]], Framing]:
        """Makes the framing of one line; it is given what to call with what is refused."""
        ...

    async def read(self) -> tuple[bytes, int]:
        """What has come, and CLOCK_BOOTTIME right after. Raises PortLost."""
        ...

    async def write(self, data: bytes) -> None:
        """Raises PortLost."""
        ...


class Frames:
    """Frames of wire.framing, with console text between them."""

    def __init__(self, on_refused: Callable[[str, bytes], None]) -> None:
        self._reader = FrameReader(FRAME_LIMIT_UP, on_refused)
        self.messages = self._reader.feed
        self.take_text = self._reader.take_text

    def packed(self, message: bytes) -> bytes:
        """One frame."""
        return stuff(message, ESCAPES_DOWN)


class Whole:
    """Each message by itself: the payload of a publish."""

    def __init__(self, _on_refused: Callable[[str, bytes], None]) -> None:
        pass

    def messages(self, data: bytes) -> list[bytes]:
        """The one."""
        return [data]

    def take_text(self) -> bytes:
        """A broker has no console."""
        return b""

    def packed(self, message: bytes) -> bytes:
        """As it is."""
        return bytes(message)
