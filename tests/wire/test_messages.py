import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import fast_decode
from tests.wire.strategies import blocks, downs, ups, values
from wire import cbor, down, up
from wire.block import BlockBuilder
from wire.errors import WireError
from wire.faults import BUS, SATURATED, name_of
from wire.framing import ESCAPES_UP, stuff
from wire.scans import scans_of

BOOT = 37 << 16 | 0x1267


def encoder():
    return cbor.Encoder(1024)


HELLO = up.Hello(
    b"\x24\x0a\xc4\x12\x34\x56", BOOT, 12, "0.1.0", b"12345678", "power_on", [], 240, b"nonce678"
)


@given(ups)
def test_every_message_up_comes_back(message):
    assert up.decode(message.encode(cbor.Encoder(8192))) == message


@given(downs)
def test_every_message_down_comes_back(message):
    assert down.decode(message.encode(cbor.Encoder(8192))) == message


@given(blocks())
def test_the_fast_decoder_gives_what_the_strict_one_gives(block):
    octets = block.encode(cbor.Encoder(8192))
    assert fast_decode.decode(octets) == up.decode(octets)


@given(blocks(), st.data())
def test_the_fast_decoder_refuses_what_the_strict_one_refuses(block, data):
    octets = bytearray(block.encode(cbor.Encoder(8192)))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(octets) - 1))
        change = data.draw(st.sampled_from(["set", "cut", "insert"]))
        octet = data.draw(st.integers(0, 255))
        if change == "set":
            octets[at] = octet
        elif change == "insert":
            octets.insert(at, octet)
        elif len(octets) > 1:
            del octets[at]
    assert outcome(fast_decode.decode, bytes(octets)) == outcome(up.decode, bytes(octets))


@given(st.binary(max_size=200))
def test_any_octets_raise_nothing_but_wire_error(octets):
    for decode in (up.decode, down.decode, fast_decode.decode):
        outcome(decode, octets)


@given(st.lists(values, max_size=10).flatmap(lambda v: st.integers(0, 13).map(lambda t: [t, *v])))
def test_any_fields_raise_nothing_but_wire_error(items):
    octets = cbor.encode(items, 8192)
    for decode in (up.decode, down.decode, fast_decode.decode):
        outcome(decode, octets)


def outcome(decode, octets):
    try:
        return decode(octets)
    except WireError as error:
        return error.reason


@pytest.mark.parametrize("field", sorted(HELLO.items()[1]))
@pytest.mark.parametrize(
    "wrong", [None, True, -1, 2**64 - 1, "x" * 201, b"", b"123456789", [1], [[1, 9, 0, 0]], {}]
)
def test_a_hello_with_a_wrong_field_names_it(field, wrong):
    keyed = dict(HELLO.items()[1])
    keyed[field] = wrong
    with pytest.raises(WireError) as caught:
        up.decode(cbor.encode([0, keyed]))
    assert caught.value.reason == "bad_field"
    assert f"HELLO.{field}" in str(caught.value)


@pytest.mark.parametrize("field", sorted(HELLO.items()[1]))
def test_a_hello_without_a_field_names_it(field):
    keyed = dict(HELLO.items()[1])
    del keyed[field]
    with pytest.raises(WireError) as caught:
        up.decode(cbor.encode([0, keyed]))
    assert f"HELLO.{field}" in str(caught.value)


def test_another_version_is_refused_by_its_number():
    keyed = dict(HELLO.items()[1], v=2)
    with pytest.raises(WireError) as caught:
        up.decode(cbor.encode([0, keyed]))
    assert caught.value.reason == "version"


def test_unknown_keys_are_ignored_and_counted():
    keyed = dict(HELLO.items()[1], later=1, more="x")
    assert up.decode(cbor.encode([0, keyed])).ignored == 2


@pytest.mark.parametrize(
    ("items", "reason"),
    [
        ([13], "unknown_type"),
        ([2**40], "unknown_type"),
        ([-1], "unknown_type"),
        ([8, 1, "reset", {}], "wrong_direction"),
        ([4, 1, 1, 1, 1], "wrong_direction"),
        ([True], "not_a_message"),
        ([], "not_a_message"),
        ({}, "not_a_message"),
        (5, "not_a_message"),
    ],
)
def test_what_is_not_a_message_up_is_refused_under_its_name(items, reason):
    with pytest.raises(WireError) as caught:
        up.decode(cbor.encode(items))
    assert caught.value.reason == reason


def test_a_block_that_announces_a_huge_count_is_refused_before_it_is_read():
    octets = bytes.fromhex("8803") + b"\x00" * 6 + bytes.fromhex("9affffffff") + b"\x00" * 8
    for decode in (up.decode, fast_decode.decode):
        with pytest.raises(WireError) as caught:
            decode(octets)
        assert caught.value.reason == "count"


def test_a_message_over_the_limit_is_refused_by_its_size():
    octets = cbor.encode([11, 0, "x", "y" * 1500], 2000)
    with pytest.raises(WireError) as caught:
        up.decode(octets)
    assert caught.value.reason == "too_long"


@pytest.mark.parametrize(
    "exceptions",
    [{5: 1}, {0: 1}, {1: 256}, {1: -1}, {"a": 1}, [1], {}],
    ids=["index", "present", "code", "negative", "key", "array", "empty"],
)
def test_exceptions_must_name_missing_values(exceptions):
    with pytest.raises(WireError) as caught:
        up.decode(cbor.encode([3, 1, 1, 0, 0, 0, 0, [4, None], exceptions]))
    assert "BLOCK.exceptions" in str(caught.value)


faults = st.sampled_from([BUS, SATURATED])
items = st.one_of(st.integers(-(2**24), 2**24), faults)


@given(st.integers(1, 5).flatmap(lambda k: st.lists(st.tuples(*[items] * k), min_size=1, max_size=12)))
def test_scans_come_back_from_the_block_with_their_faults(scans):
    channels = len(scans[0])
    builder = BlockBuilder(channels, len(scans))
    for _ in range(2):  # a builder is used again and again
        builder.clear()
        for number, scan in enumerate(scans):
            builder.add(1000 + 10 * number, scan)
        block = up.decode(builder.encode(cbor.Encoder(4096), BOOT, 1, 7, 2))
        assert (block.t_first, block.span) == (1000, 10 * (len(scans) - 1))
        want = [[None if item in (BUS, SATURATED) else item for item in scan] for scan in scans]
        assert scans_of(block, channels) == want
        flat = [item for scan in scans for item in scan]
        assert block.exceptions == {at: item.code for at, item in enumerate(flat) if item in (BUS, SATURATED)}


def test_values_that_do_not_fit_the_channels_are_refused():
    block = up.Block(BOOT, 1, 0, 0, 0, 0, [1, 2, 3], {})
    with pytest.raises(WireError) as caught:
        scans_of(block, 2)
    assert caught.value.reason == "block_shape"


def test_a_bme280_scan_is_smaller_than_the_design_promises():
    builder = BlockBuilder(3, 10)
    sizes = []
    for scans in (1, 10):
        builder.clear()
        for number in range(scans):
            builder.add(
                3_600_000_000 + 1_000_123 * number, (2541 + number % 3, 4512 - number, 101325 + 2 * number)
            )
        sizes.append(len(stuff(builder.encode(encoder(), BOOT, 1, 1234, 0), ESCAPES_UP)))
    assert sizes[0] < 45
    assert sizes[1] < 10 * 8


def test_an_unknown_fault_code_has_a_name_too():
    assert name_of(7) == "saturated"
    assert name_of(200) == "fault_200"
