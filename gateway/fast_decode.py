"""Messages from nodes, BLOCKs at C speed.

A BLOCK without exceptions is a regular language: one compiled pattern holds every limit of the
subset (shortest integers, field sizes, types) before anything is decoded, then cbor2 decodes it.
Everything else, and everything the pattern does not know, goes through `wire.up.decode`, which
accepts a superset and gives the error its name.
"""

import re

import cbor2

from wire import fields, up
from wire.message import Message

_UINT16 = rb"[\x00-\x17]|\x18[\x18-\xff]|\x19(?!\x00).."
_UINT32 = _UINT16 + rb"|\x1a(?!\x00\x00).{4}"
_BOOT = _UINT32 + rb"|\x1b\x00\x00(?!\x00\x00).{6}"  # below 2^48
_TICKS = _UINT32 + rb"|\x1b\x00(?!\x00\x00\x00).{7}"  # below 2^56
_STREAM = rb"[\x00-\x02]"
_GROUP = rb"[\x00-\x17]|\x18[\x18-\xff]"
_VALUE = (
    rb"[\x00-\x17\x20-\x37\xf6]|[\x18\x38][\x18-\xff]|[\x19\x39](?!\x00).."
    rb"|[\x1a\x3a](?!\x00\x00).{4}"
)
_COUNT = rb"[\x80-\x97]|\x98[\x18-\xff]|\x99[\x01-\x03]."  # the message's size limits it further

_BLOCK = re.compile(
    rb"\x88\x03(?:%b)(?:%b)(?:%b)(?:%b)(?:%b)(?:%b)(?:%b)(?:%b)*+"
    % (_BOOT, _STREAM, _UINT32, _GROUP, _TICKS, _TICKS, _COUNT, _VALUE),
    re.DOTALL,
)
# cbor2 stops after the first item: wrapped with a mark behind it, that no value can be, anything
# between the item and the mark shows.
_WRAP = b"\x82"
_MARK = b"\xf4"


def decode(data: bytes) -> Message:
    """Decode a message from a node exactly as `wire.up.decode` does; WireError likewise."""
    if _BLOCK.fullmatch(data) and len(data) <= fields.MESSAGE_OCTETS:
        try:
            items, mark = cbor2.loads(_WRAP + data + _MARK)
        except cbor2.CBORDecodeError:
            return up.decode(data)
        if mark is False:
            return up.Block(items[1], items[2], items[3], items[4], items[5], items[6], items[7], {})
    return up.decode(data)
