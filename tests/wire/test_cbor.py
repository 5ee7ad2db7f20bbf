import json
import math
from pathlib import Path

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wire.strategies import values
from wire import cbor
from wire.errors import WireError

VECTORS = Path(__file__).parents[1] / "vectors"
RFC8949 = json.loads((VECTORS / "cbor_rfc8949.json").read_text())
LIMITS = json.loads((VECTORS / "cbor_limits.json").read_text())


def plain(value):
    """A vector's JSON value as the value it stands for."""
    if isinstance(value, list):
        return [plain(member) for member in value]
    if not isinstance(value, dict):
        return value
    if "hex" in value:
        return bytes.fromhex(value["hex"])
    if "float" in value:
        return float(value["float"])
    return {plain(key): plain(member) for key, member in value["map"]}


def same(one, other):
    return repr(one) == repr(other) or (math.isnan(one) and math.isnan(other))


@pytest.mark.parametrize("case", RFC8949["accepted"], ids=lambda case: case["octets"])
def test_examples_of_rfc8949_in_the_subset_decode_and_encode(case):
    octets = bytes.fromhex(case["octets"])
    assert same(cbor.decode(octets), plain(case["value"]))
    assert cbor.encode(plain(case["value"])) == octets


@pytest.mark.parametrize(
    "case", RFC8949["refused"] + LIMITS["refused"], ids=lambda case: case["octets"][:40] or "empty"
)
def test_what_is_outside_the_subset_is_refused_under_its_name(case):
    with pytest.raises(WireError) as caught:
        cbor.decode(bytes.fromhex(case["octets"]))
    assert caught.value.reason == case["reason"]


@given(values)
def test_every_value_of_the_subset_comes_back(value):
    assert repr(cbor.decode(cbor.encode(value, 4096))) == repr(_sorted(value))


@given(values)
def test_an_independent_reader_sees_the_same_value(value):
    assert repr(cbor2.loads(cbor.encode(value, 4096))) == repr(_sorted(value))


@given(st.binary(max_size=100))
def test_any_octets_raise_nothing_but_wire_error(octets):
    try:
        value = cbor.decode(octets)
    except WireError:
        return
    assert cbor.encode(value, 4096) == octets  # what is accepted has exactly one form


def test_a_message_over_the_limit_is_refused_by_the_encoder():
    assert len(cbor.encode(b"x" * 1021, 1024)) == 1024
    with pytest.raises(WireError) as caught:
        cbor.encode(b"x" * 1022, 1024)
    assert caught.value.reason == "too_long"


def test_nesting_at_the_limit_is_accepted():
    assert cbor.decode(b"\x81" * cbor.DEPTH_LIMIT + b"\x00") == [[[[[[[[0]]]]]]]]


@pytest.mark.parametrize("value", [2**64, -(2**64) - 1, 1e300, object()])
def test_a_value_outside_the_subset_is_refused_by_the_encoder(value):
    with pytest.raises(WireError):
        cbor.encode(value)


def _sorted(value):
    if isinstance(value, list):
        return [_sorted(member) for member in value]
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value, key=cbor.encode)}
    return value
