"""Floats of the CBOR subset: half where that loses nothing, else single, NaN in one form only."""

from struct import pack, unpack

from wire.errors import WireError


def from_half(octets: bytes) -> float:
    """The value of two octets; WireError for a NaN in another form than ours."""
    bits = int.from_bytes(octets, "big")
    value = _value(bits)
    if value != value and bits != 0x7E00:
        raise WireError("not_shortest", "NaN is f97e00")
    return value


def from_single(octets: bytes) -> float:
    """The value of four octets; WireError where a half would hold it."""
    value = float(unpack(">f", octets)[0])
    if len(octets_of(value)) != 5:
        raise WireError("not_shortest", "single float that fits a half")
    return value


def _value(bits: int) -> float:
    sign = -1.0 if bits & 0x8000 else 1.0
    exponent = bits >> 10 & 0x1F
    mantissa = bits & 0x3FF
    if exponent == 31:
        return float("nan") if mantissa else sign * float("inf")
    if exponent == 0:
        return sign * mantissa / 16777216.0  # 2^-24
    return sign * (1024 + mantissa) * 2.0 ** (exponent - 25)


def octets_of(value: float) -> bytes:
    """The head and the octets of a float; WireError where a single cannot hold it."""
    if value != value:
        return b"\xf9\x7e\x00"
    try:
        single = pack(">f", value)
    except OverflowError:
        raise WireError("number", "float over single precision") from None
    bits = int.from_bytes(single, "big")
    sign = bits >> 31 << 15
    exponent = bits >> 23 & 0xFF
    mantissa = bits & 0x7FFFFF
    half = -1
    if exponent == 255:
        half = sign | 0x7C00
    elif exponent == 0 and mantissa == 0:
        half = sign
    elif 113 <= exponent <= 142 and not mantissa & 0x1FFF:
        half = sign | (exponent - 112) << 10 | mantissa >> 13
    elif 103 <= exponent < 113:
        shift = 126 - exponent
        full = mantissa | 0x800000
        if not full & ((1 << shift) - 1):
            half = sign | full >> shift
    if half < 0:
        return b"\xfa" + single
    return b"\xf9" + half.to_bytes(2, "big")
