"""Checks of a message's fields: each names the field and the limit that it broke."""

from wire.compat import const
from wire.errors import WireError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

VERSION = const(1)  # of the link protocol
MESSAGE_OCTETS = const(1024)  # of one message in either direction
BOOT_LIMIT = 0xFFFFFFFFFFFF  # boot_count << 16 | random 16 bits
SEQ_LIMIT = 0xFFFFFFFF
TICKS_LIMIT = 0xFFFFFFFFFFFFFF  # microseconds: 2,284 years
WINDOW_LIMIT = const(0x100000)
STREAM_LIMIT = const(2)
GROUP_LIMIT = const(255)
TEXT_LIMIT = const(200)  # octets of any text in a message
SLEEP_MOST_S = const(604800)  # a week between two contacts of a node that sleeps
SLEEP_MOST_PPM = const(50000)  # beyond, what goes on in its sleep is no clock
STREAMS_LIMIT = const(32)  # (boot, stream) pairs in HELLO and WELCOME


def bad(name: str, what: str) -> WireError:
    """The error for field `name`: what is wrong with it."""
    return WireError("bad_field", name + ": " + what)


def uint(value: object, name: str, limit: int) -> int:
    """An unsigned integer up to and including `limit`."""
    if not isinstance(value, int) or value is True or value is False:
        raise bad(name, "not an unsigned integer")
    if value < 0 or value > limit:
        raise bad(name, str(value) + " is not within 0 to " + str(limit))
    return value


def octets(value: object, name: str, least: int, most: int) -> bytes:
    """A byte string of `least` to `most` octets."""
    if not isinstance(value, bytes):
        raise bad(name, "not a byte string")
    if len(value) < least or len(value) > most:
        raise bad(name, str(len(value)) + " octets, not " + str(least) + " to " + str(most))
    return value


def text(value: object, name: str) -> str:
    """A text of at most TEXT_LIMIT octets."""
    if not isinstance(value, str):
        raise bad(name, "not a text")
    if len(value.encode()) > TEXT_LIMIT:
        raise bad(name, "text over " + str(TEXT_LIMIT) + " octets")
    return value


def cut(words: str) -> str:
    """As much of what somebody says as a text may have."""
    words = words[:TEXT_LIMIT]
    while len(words.encode()) > TEXT_LIMIT:
        words = words[:-8]
    return words


def boolean(value: object, name: str) -> bool:
    """True or false."""
    if value is True:
        return True
    if value is False:
        return False
    raise bad(name, "not true or false")


def members(value: object, name: str, most: int) -> "list[Any]":
    """An array of at most `most` members."""
    if not isinstance(value, list):
        raise bad(name, "not an array")
    if len(value) > most:
        raise bad(name, str(len(value)) + " members, limit " + str(most))
    return value


def mapping(value: object, name: str) -> "dict[str, Any]":
    """A map whose keys are text."""
    if not isinstance(value, dict):
        raise bad(name, "not a map")
    for key in value:
        if not isinstance(key, str):
            raise bad(name, "a key is not text")
    return value


def stream_points(value: object, name: str, seqs: int) -> "list[Any]":
    """An array of [boot, stream, seq ...] with `seqs` sequence numbers each."""
    points = members(value, name, STREAMS_LIMIT)
    for point in points:
        parts = members(point, name, 2 + seqs)
        if len(parts) != 2 + seqs:
            raise bad(name, "a member has " + str(len(parts)) + " parts, not " + str(2 + seqs))
        uint(parts[0], name + ".boot", BOOT_LIMIT)
        uint(parts[1], name + ".stream", STREAM_LIMIT)
        for seq in parts[2:]:
            uint(seq, name + ".seq", SEQ_LIMIT + 1)
    return points


def version(keyed: "dict[str, Any]", name: str) -> None:
    """WireError unless the message speaks this version of the protocol."""
    number = uint(keyed.get("v"), name + ".v", SEQ_LIMIT)
    if number != VERSION:
        raise WireError("version", name + " has version " + str(number) + ", not " + str(VERSION))
