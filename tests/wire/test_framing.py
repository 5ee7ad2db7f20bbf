import json
from binascii import crc32
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.framing import (
    ESCAPES_DOWN,
    ESCAPES_UP,
    FRAME_LIMIT_DOWN,
    FRAME_LIMIT_UP,
    TEXT_LIMIT,
    FrameReader,
    stuff,
    unstuff,
)

VECTORS = json.loads((Path(__file__).parents[1] / "vectors/framing_rfc1662.json").read_text())
ESCAPES = {"up": ESCAPES_UP, "down": ESCAPES_DOWN}
# A message begins with a CBOR array or tag.
messages = st.tuples(st.integers(0x80, 0xFF), st.binary(max_size=60)).map(lambda m: bytes([m[0]]) + m[1])


def reading(limit=FRAME_LIMIT_UP):
    refused = []
    return FrameReader(limit, lambda reason, octets: refused.append((reason, octets))), refused


@pytest.mark.parametrize("case", VECTORS["fcs"])
def test_fcs_is_that_of_rfc1662(case):
    assert crc32(bytes.fromhex(case["octets"])).to_bytes(4, "little").hex() == case["fcs"]


@pytest.mark.parametrize("case", VECTORS["frames"])
def test_a_message_becomes_the_published_octets(case):
    frame = stuff(bytes.fromhex(case["message"]), ESCAPES[case["direction"]])
    assert frame.hex() == case["frame"]
    assert FrameReader(FRAME_LIMIT_UP).feed(frame) == [bytes.fromhex(case["message"])]


@given(messages)
def test_no_console_control_character_goes_down_the_line(message):
    frame = stuff(message, ESCAPES_DOWN)
    assert not set(frame) & {0x01, 0x02, 0x03, 0x04, 0x11, 0x13, 0x18}
    assert frame.count(0x7E) == 2


@given(st.lists(messages, max_size=6), st.sampled_from(["up", "down"]), st.data())
def test_frames_come_back_whole_however_the_octets_are_cut(sent, direction, data):
    octets = b"".join(stuff(message, ESCAPES[direction]) for message in sent)
    reader, refused = reading()
    got = []
    while octets:
        size = data.draw(st.integers(1, len(octets)))
        got += reader.feed(octets[:size])
        octets = octets[size:]
    assert got == sent
    assert refused == []


@given(messages, messages)
def test_frames_may_share_a_flag(first, second):
    octets = stuff(first, ESCAPES_UP)[:-1] + stuff(second, ESCAPES_UP)
    assert FrameReader(FRAME_LIMIT_UP).feed(octets) == [first, second]


@given(st.binary(max_size=300), messages, messages)
def test_after_any_noise_the_second_frame_is_read(noise, first, second):
    reader, _ = reading()
    reader.feed(noise)
    got = reader.feed(stuff(first, ESCAPES_UP) + stuff(second, ESCAPES_UP))
    assert got[-1] == second


@given(st.lists(st.binary(max_size=80), max_size=8))
def test_any_octets_raise_nothing(pieces):
    reader, refused = reading(FRAME_LIMIT_DOWN)
    for piece in pieces:
        assert all(isinstance(message, bytes) for message in reader.feed(piece))
    assert {reason for reason, _ in refused} <= {"bad_fcs", "bad_escape", "too_short", "too_long"}


@given(messages, st.data())
def test_one_flipped_bit_never_makes_another_message(message, data):
    frame = bytearray(stuff(message, ESCAPES_UP))
    at = data.draw(st.integers(0, len(frame) - 1))
    frame[at] ^= 1 << data.draw(st.integers(0, 7))
    reader, _ = reading()
    assert [m for m in reader.feed(bytes(frame)) if m != message] == []


def test_boot_text_between_frames_is_kept_as_text():
    reader, refused = reading()
    text = b"ets Jul 29 2019 12:21:46\r\nrst:0x1 (POWERON_RESET)\r\n"
    assert reader.feed(text + stuff(b"\x81\x0c", ESCAPES_UP) + b"Traceback\r\n") == [b"\x81\x0c"]
    assert reader.take_text() == text + b"Traceback\r\n"
    assert reader.take_text() == b""
    assert refused == []


def test_text_keeps_its_newest_octets():
    reader, _ = reading()
    reader.feed(b"a" * TEXT_LIMIT + b"the end")
    assert reader.take_text() == (b"a" * TEXT_LIMIT + b"the end")[-TEXT_LIMIT:]


def test_a_frame_at_the_limit_is_read_and_one_octet_more_is_refused():
    whole = stuff(b"\x80" * 60, ESCAPES_UP)
    reader, refused = reading(len(whole) - 2)
    assert reader.feed(whole) == [b"\x80" * 60]
    assert refused == []
    reader, refused = reading(len(whole) - 3)
    assert reader.feed(whole + stuff(b"\x81\x0c", ESCAPES_UP)) == [b"\x81\x0c"]
    assert [reason for reason, _ in refused] == ["too_long"]


def test_an_endless_frame_is_refused_once_and_costs_no_memory():
    reader, refused = reading(100)
    for _ in range(1000):
        reader.feed(b"\x90" * 50)
    assert [reason for reason, _ in refused] == ["too_long"]
    assert reader.feed(b"\x7e" + stuff(b"\x81\x0c", ESCAPES_UP)) == [b"\x81\x0c"]


@pytest.mark.parametrize(
    ("octets", "reason"),
    [
        (b"\x81\x0c\x00\x00\x00\x00", "bad_fcs"),
        (b"\x81\x7d\x7d\x01", "bad_escape"),
        (b"\x81\x0c", "too_short"),
    ],
)
def test_what_is_not_a_frame_is_refused_under_its_name(octets, reason):
    reader, refused = reading()
    assert reader.feed(b"\x7e" + octets + b"\x7e") == []
    assert refused == [(reason, octets)]


def test_an_escape_with_nothing_behind_it_is_no_octet():
    assert unstuff(b"\x81\x7d") is None
    assert unstuff(b"\x81\x7d\x5e") == b"\x81\x7e"
