"""What the vectors call, on either runtime; in the MicroPython dialect."""

from binascii import crc32

from wire import cbor, down, up
from wire.errors import WireError
from wire.framing import ESCAPES_DOWN, ESCAPES_UP, FrameReader, stuff

_ESCAPES = {"up": ESCAPES_UP, "down": ESCAPES_DOWN}
_ENCODER = cbor.Encoder(8192)
_ENDS = {"up": up, "down": down}


def plain(value):
    """A vector's JSON value as the value it stands for."""
    if isinstance(value, list):
        return [plain(member) for member in value]
    if not isinstance(value, dict):
        return value
    if "float" in value:
        return float(value["float"])
    return {plain(key): plain(member) for key, member in value["map"]}


def comes_back(octets, value):
    """Two that must be `octets` again: of the value, and of what the octets decode to.

    No comparison of values: encoding is different for whatever differs.
    """
    return cbor.encode(plain(value)), cbor.encode(cbor.decode(octets))


def reason_of(octets):
    """Why these octets are no item of the subset; None when they are one."""
    try:
        cbor.decode(octets)
    except WireError as error:
        return error.reason
    return None


def fcs(octets):
    """As it is sent."""
    return crc32(octets).to_bytes(4, "little")


def framed(message, direction):
    return stuff(message, _ESCAPES[direction])


def read(octets, limit, piece):
    """(messages, text, reasons of what was refused) of octets that come in pieces of `piece`."""
    refused = []
    reader = FrameReader(limit, lambda reason, _octets: refused.append(reason))
    messages = []
    for at in range(0, len(octets), piece):
        messages += reader.feed(octets[at : at + piece])
    return messages, reader.take_text(), refused


def message_again(direction, octets):
    """(name, fields, octets) of a message that was decoded and is encoded again."""
    message = _ENDS[direction].decode(octets)
    return type(message).__name__, message.__dict__, message.encode(_ENCODER)


def message_reason(direction, octets):
    """Why these octets are no message; None when they are one. Nothing but WireError is caught."""
    try:
        _ENDS[direction].decode(octets)
    except WireError as error:
        return error.reason
    return None
