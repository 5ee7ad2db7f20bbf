"""The deterministic CBOR subset of the link: RFC 8949 section 4.2.1, and stricter.

Definite lengths, shortest integers, shortest of half and single floats, map keys sorted and
unique, major types 0-5, false, true, null; no tags (17, COSE_Mac0, is reserved for the
authenticated link). Anything else is a WireError, found before anything is allocated for it.
"""

from struct import pack_into

from wire.compat import const
from wire.errors import WireError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

DEPTH_LIMIT = const(8)  # arrays and maps within each other
_UINT = const(0)
_NEGATIVE = const(1)
_BYTES = const(2)
_TEXT = const(3)
_ARRAY = const(4)
_MAP = const(5)
_HEAD_OCTETS = const(9)  # the longest head: initial octet and 64 bits
_FALSE = const(b"\xf4")
_TRUE = const(b"\xf5")
_NULL = const(b"\xf6")
_FLOAT16 = const(25)
_FLOAT32 = const(26)


class Encoder:
    """Writes items one after another into a buffer that is kept for life."""

    def __init__(self, limit: int) -> None:
        self._buf = bytearray(limit + _HEAD_OCTETS)  # a head is written whole, then judged
        self._limit = limit
        self._at = 0

    def start(self) -> None:
        """Begin a new message over the old one."""
        self._at = 0

    def take(self) -> bytes:
        """A copy of what has been written since `start`; WireError where it went over the limit."""
        if self._at > self._limit:
            raise WireError("too_long", "message over " + str(self._limit) + " octets")
        return bytes(memoryview(self._buf)[: self._at])

    def uint(self, value: int) -> None:
        """Write an unsigned integer below 2^64."""
        self._head(_UINT, value)

    def integer(self, value: int) -> None:
        """Write an integer of either sign."""
        if value < 0:
            self._head(_NEGATIVE, -1 - value)
        else:
            self._head(_UINT, value)

    def octets(self, value: bytes) -> None:
        """Write a byte string."""
        self._head(_BYTES, len(value))
        self._raw(value)

    def text(self, value: str) -> None:
        """Write a text string."""
        encoded = value.encode()
        self._head(_TEXT, len(encoded))
        self._raw(encoded)

    def array(self, count: int) -> None:
        """Begin an array: the next `count` items are its members."""
        self._head(_ARRAY, count)

    def null(self) -> None:
        """Write null."""
        self._raw(_NULL)

    def value(self, value: object) -> None:
        """Write any value of the subset: None, bool, int, float, bytes, str, list, tuple, dict."""
        if value is None:
            self._raw(_NULL)
        elif value is True:
            self._raw(_TRUE)
        elif value is False:
            self._raw(_FALSE)
        elif isinstance(value, int):
            self.integer(value)
        elif isinstance(value, str):
            self.text(value)
        elif isinstance(value, (bytes, bytearray)):
            self.octets(bytes(value))
        elif isinstance(value, (list, tuple)):
            self._head(_ARRAY, len(value))
            for member in value:
                self.value(member)
        elif isinstance(value, dict):
            self._map(value)
        elif isinstance(value, float):
            from wire import floats  # noqa: PLC0415 - as in _Decoder

            self._raw(floats.octets_of(value))
        else:
            raise WireError("type", "cannot encode " + type(value).__name__)

    def _map(self, value: "dict[Any, object]") -> None:
        self._head(_MAP, len(value))
        for encoded, key in sorted([(self._ahead(key), key) for key in value]):
            self._raw(encoded)
            self.value(value[key])

    def _ahead(self, key: object) -> bytes:
        # Written where the next item will stand: a buffer for each key would be 1 KB of a small heap.
        start = self._at
        self.value(key)
        octets = bytes(memoryview(self._buf)[start : self._at])
        self._at = start
        return octets

    def _raw(self, octets: bytes) -> None:
        end = self._at + len(octets)
        if end > self._limit:
            raise WireError("too_long", "message over " + str(self._limit) + " octets")
        self._buf[self._at : end] = octets
        self._at = end

    def _head(self, major: int, number: int) -> None:
        at = self._at
        if at > self._limit:
            raise WireError("too_long", "message over " + str(self._limit) + " octets")
        buf = self._buf
        major <<= 5
        if number < 24:
            buf[at] = major | number
            self._at = at + 1
        elif number < 0x100:
            buf[at] = major | 24
            buf[at + 1] = number
            self._at = at + 2
        elif number < 0x10000:
            pack_into(">BH", buf, at, major | 25, number)
            self._at = at + 3
        elif number < 0x100000000:
            pack_into(">BI", buf, at, major | 26, number)
            self._at = at + 5
        elif number < 0x10000000000000000:
            pack_into(">BQ", buf, at, major | 27, number)
            self._at = at + 9
        else:
            raise WireError("number", "integer over 64 bits")


def encode(value: object, limit: int = 1024) -> bytes:
    """Encode one value of the subset on its own. For rare messages: it allocates a buffer."""
    encoder = Encoder(limit)
    encoder.value(value)
    return encoder.take()


def decode(data: bytes) -> object:
    """Decode exactly one item that fills `data`; WireError for anything outside the subset."""
    decoder = _Decoder(data)
    value = decoder.item(0)
    if decoder.at != len(data):
        raise WireError("trailing", str(len(data) - decoder.at) + " octets after the item")
    return value


class _Decoder:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self.at = 0

    def item(self, depth: int) -> object:
        initial = self._take(1)[0]
        major = initial >> 5
        minor = initial & 0x1F
        if major == 7:
            return self._simple(initial, minor)
        if major == 6:
            raise WireError("tag", "tags are not part of the subset")
        number = self._number(minor)
        if major == _UINT:
            return number
        if major == _NEGATIVE:
            return -1 - number
        if major == _BYTES:
            return self._take(number)
        if major == _TEXT:
            try:
                return str(self._take(number), "utf-8")
            except UnicodeError:
                raise WireError("utf8", "text is not UTF-8") from None
        if depth >= DEPTH_LIMIT:
            raise WireError("depth", "nesting over " + str(DEPTH_LIMIT))
        if number > len(self._data) - self.at:
            raise WireError("count", str(number) + " members announced, fewer octets left")
        if major == _ARRAY:
            return [self.item(depth + 1) for _ in range(number)]
        return self._map(number, depth + 1)

    def _map(self, count: int, depth: int) -> "dict[Any, object]":
        out: dict[Any, object] = {}
        previous = b""
        for _ in range(count):
            start = self.at
            key = self.item(depth)
            if isinstance(key, bool) or not isinstance(key, (int, str)):
                raise WireError("map_key", "keys are integers or text")
            encoded = self._data[start : self.at]
            if encoded <= previous:
                raise WireError("map_order", "keys not sorted or not unique")
            previous = encoded
            out[key] = self.item(depth)
        return out

    def _take(self, count: int) -> bytes:
        end = self.at + count
        if end > len(self._data):
            raise WireError("truncated", str(end - len(self._data)) + " octets missing")
        octets = self._data[self.at : end]
        self.at = end
        return octets

    def _number(self, minor: int) -> int:
        if minor < 24:
            return minor
        if minor > 27:
            raise WireError("indefinite", "length or integer form " + str(minor))
        width = 1 << (minor - 24)
        number = int.from_bytes(self._take(width), "big")
        least = 24 if width == 1 else 1 << (4 * width)
        if number < least:
            raise WireError("not_shortest", str(number) + " in " + str(width) + " octets")
        return number

    def _simple(self, initial: int, minor: int) -> object:
        if initial == 0xF4:
            return False
        if initial == 0xF5:
            return True
        if initial == 0xF6:
            return None
        # Imported here: rare on this link, and a node has no memory for what it never meets.
        from wire import floats  # noqa: PLC0415

        if minor == _FLOAT16:
            return floats.from_half(self._take(2))
        if minor == _FLOAT32:
            return floats.from_single(self._take(4))
        raise WireError("simple", "simple value or float form " + str(minor))
