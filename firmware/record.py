"""What the queue must know of an encoded BLOCK: when its scans were taken."""

from wire.compat import const

_T_FIRST_AT = const(5)  # after type, boot, stream, seq and group
_ONE_OCTET = const(24)  # CBOR: smaller numbers stand in the initial octet (RFC 8949 section 3)


def times_of(block: bytes) -> "tuple[int, int]":
    """(t_first, span) of a BLOCK that this node encoded, without decoding its values."""
    at = 1  # the array's head: 8 or 9 members, one octet
    t_first = 0
    number = 0
    for index in range(_T_FIRST_AT + 2):
        number = block[at] & 0x1F
        at += 1
        if number >= _ONE_OCTET:
            width = 1 << (number - _ONE_OCTET)
            number = int.from_bytes(block[at : at + width], "big")
            at += width
        if index == _T_FIRST_AT:
            t_first = number
    return t_first, number
