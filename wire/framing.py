"""Asynchronous HDLC-like framing of RFC 1662, with FCS-32 and console text between the frames.

A frame is FLAG, the stuffed message and its FCS, FLAG. The first octet of a message is at least
0x80 (a CBOR array or tag), that of ASCII text never is: so a segment between two flags is known
for what it is by its first octet, and boot messages need no marks of their own.
"""

from binascii import crc32

from wire.compat import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_FLAG = const(b"\x7e")
_ESCAPE = const(b"\x7d")
_FCS_OCTETS = const(4)
_FIRST_OF_MESSAGE = const(0x80)

FRAME_LIMIT_UP = const(2058)  # stuffed octets: fields.MESSAGE_OCTETS, FCS, all escaped, two flags
FRAME_LIMIT_DOWN = const(240)  # the ESP32 console's receive ring holds 260 and drops silently
TEXT_LIMIT = const(4096)  # console octets kept until somebody takes them


# What each direction escapes; the escape itself comes first, or it would be escaped twice.
ESCAPES_UP = const(b"\x7d\x7e")
# The console's control characters never go down the line, so Ctrl-C stays armed on the node.
ESCAPES_DOWN = const(b"\x7d\x7e\x01\x02\x03\x04\x11\x13\x18")


def stuff(message: bytes, escapes: bytes) -> bytes:
    """Make one frame of a message: flag, octets and FCS with `escapes` escaped, flag."""
    octets = bytes(message) + crc32(message).to_bytes(_FCS_OCTETS, "little")
    for octet in escapes:
        if octet in octets:
            octets = octets.replace(bytes([octet]), bytes([_ESCAPE[0], octet ^ 0x20]))
    return _FLAG + octets + _FLAG


def unstuff(octets: bytes) -> "bytes | None":
    """Undo the escapes of one segment; None where an escape has nothing to escape."""
    if _ESCAPE not in octets:
        return octets
    parts = octets.split(_ESCAPE)
    out = bytearray(parts[0])
    for at in range(1, len(parts)):
        part = parts[at]
        if not part:
            return None
        out.append(part[0] ^ 0x20)
        out += part[1:]
    return bytes(out)


class FrameReader:
    """Finds the frames in a stream of octets, however it is cut into pieces.

    `limit` is the most stuffed octets a frame may have. `on_refused(reason, octets)` is told of
    every segment that is not a frame: `bad_fcs`, `bad_escape`, `too_short`, `too_long`.
    """

    def __init__(self, limit: int, on_refused: "Callable[[str, bytes], None] | None" = None) -> None:
        self._limit = limit
        self._on_refused = on_refused
        self._pending = b""
        self._in_text = False
        self._overrun = False
        self._text = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """Take octets as they come; give the messages of the frames that they complete."""
        frames: list[bytes] = []
        segments = data.split(_FLAG)
        last = len(segments) - 1
        for at in range(last):
            self._gather(segments[at])
            self._close(frames)
        self._gather(segments[last])
        return frames

    def take_text(self) -> bytes:
        """The console octets since the last call, the newest TEXT_LIMIT of them."""
        text = bytes(self._text)
        self._text = bytearray()
        return text

    def _gather(self, segment: bytes) -> None:
        if not segment or self._overrun:
            return
        if not self._pending and not self._in_text:
            self._in_text = segment[0] < _FIRST_OF_MESSAGE
        if self._in_text:
            self._text += segment[-TEXT_LIMIT:]
            if len(self._text) > TEXT_LIMIT:
                self._text = self._text[-TEXT_LIMIT:]
        elif len(self._pending) + len(segment) > self._limit:
            self._overrun = True
            self._refuse("too_long", self._pending + segment[:64])
            self._pending = b""
        else:
            self._pending = self._pending + segment if self._pending else segment

    def _close(self, frames: list[bytes]) -> None:
        octets = self._pending
        self._pending = b""
        self._in_text = False
        self._overrun = False
        if not octets:
            return
        content = unstuff(octets)
        if content is None:
            self._refuse("bad_escape", octets)
        elif len(content) <= _FCS_OCTETS:
            self._refuse("too_short", octets)
        else:
            message = content[:-_FCS_OCTETS]
            if crc32(message) == int.from_bytes(content[-_FCS_OCTETS:], "little"):
                frames.append(message)
            else:
                self._refuse("bad_fcs", octets)

    def _refuse(self, reason: str, octets: bytes) -> None:
        if self._on_refused:
            self._on_refused(reason, octets)
