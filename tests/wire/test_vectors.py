"""The same published octets on CPython and on the real MicroPython."""

import json
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.runtime import CPython
from tests.wire.strategies import downs, ups
from wire import cbor, up
from wire.framing import FRAME_LIMIT_DOWN, FRAME_LIMIT_UP

VECTORS = Path(__file__).parents[1] / "vectors"
RFC8949 = json.loads((VECTORS / "cbor_rfc8949.json").read_text())
LIMITS = json.loads((VECTORS / "cbor_limits.json").read_text())
FRAMING = json.loads((VECTORS / "framing_rfc1662.json").read_text())
MESSAGES = json.loads((VECTORS / "messages.json").read_text())
HERE = "tests.wire.on_both"

# Each example starts the interpreter once; it carries many messages.
FEW = settings(max_examples=8, deadline=None)


def octets(hexadecimal):
    return {"hex": hexadecimal}


def test_examples_of_rfc8949_in_the_subset_decode_and_encode(runtime):
    cases = RFC8949["accepted"]
    got = runtime.values(f"{HERE}:comes_back", [[octets(c["octets"]), c["value"]] for c in cases])
    assert got == [[bytes.fromhex(c["octets"])] * 2 for c in cases]


def test_what_is_outside_the_subset_is_refused_under_its_name(runtime):
    cases = RFC8949["refused"] + LIMITS["refused"]
    got = runtime.values(f"{HERE}:reason_of", [[octets(c["octets"])] for c in cases])
    assert got == [c["reason"] for c in cases]


def test_fcs_is_that_of_rfc1662(runtime):
    cases = FRAMING["fcs"]
    got = runtime.values(f"{HERE}:fcs", [[octets(c["octets"])] for c in cases])
    assert got == [bytes.fromhex(c["fcs"]) for c in cases]


def test_a_message_becomes_the_published_octets(runtime):
    cases = FRAMING["frames"]
    got = runtime.values(f"{HERE}:framed", [[octets(c["message"]), c["direction"]] for c in cases])
    assert got == [bytes.fromhex(c["frame"]) for c in cases]


@pytest.mark.parametrize("piece", [1, 7, 1000])
def test_frames_are_found_among_noise_and_text_however_they_are_cut(runtime, piece):
    frames = [bytes.fromhex(c["frame"]) for c in FRAMING["frames"]]
    wanted = [bytes.fromhex(c["message"]) for c in FRAMING["frames"]]
    damaged = b"\x7e\x81\x0c\xde\xf7\xf7\x6b\x7e"
    line = b"rst:0x1\r\n" + frames[0] + damaged + frames[1] + b"\x7e\x81\x7d\x7e" + b"".join(frames[2:])
    case = [octets(line.hex()), FRAME_LIMIT_UP, piece]
    assert runtime.values(f"{HERE}:read", [case]) == [[wanted, b"rst:0x1\r\n", ["bad_fcs", "bad_escape"]]]


def test_a_frame_at_the_limit_is_read_and_one_octet_more_is_refused(runtime):
    cases = [[octets(("7e" + "90" * size + "7e") * 2), FRAME_LIMIT_DOWN, 50] for size in (240, 241)]
    at_the_limit, over_it = runtime.values(f"{HERE}:read", cases)
    assert at_the_limit == [[], b"", ["bad_fcs"] * 2]
    assert over_it == [[], b"", ["too_long"] * 2]


def test_messages_decode_into_their_fields_and_encode_again(runtime):
    cases = MESSAGES["accepted"]
    got = runtime.values(f"{HERE}:message_again", [[c["direction"], octets(c["octets"])] for c in cases])
    for case, (name, fields, again) in zip(cases, got, strict=True):
        assert (name, json.loads(json.dumps(fields, default=hexed))) == (case["name"], case["fields"])
        assert again.hex() == case.get("again", case["octets"])


def hexed(value):
    return {"hex": value.hex()}


def test_what_is_no_message_is_refused_under_its_name(runtime):
    cases = MESSAGES["refused"]
    got = runtime.values(f"{HERE}:message_reason", [[c["direction"], octets(c["octets"])] for c in cases])
    assert got == [c["reason"] for c in cases]


@FEW
@example([("up", up.Describe({"": float("inf")}))])
@given(st.lists(st.one_of(ups.map(lambda m: ("up", m)), downs.map(lambda m: ("down", m))), max_size=30))
def test_any_message_comes_back_octet_for_octet(runtime, messages):
    sent = [(direction, message.encode(cbor.Encoder(8192))) for direction, message in messages]
    sent = [(direction, message) for direction, message in sent if len(message) <= 1024]
    got = runtime.values(f"{HERE}:message_again", [[d, octets(m.hex())] for d, m in sent])
    assert [again for _name, _fields, again in got] == [message for _direction, message in sent]


@FEW
@given(st.lists(st.tuples(st.sampled_from(["up", "down"]), st.binary(max_size=80)), max_size=60))
def test_any_octets_are_refused_for_the_same_reason_on_both(runtime, pieces):
    cases = [[direction, octets(piece.hex())] for direction, piece in pieces]
    want = CPython().values(f"{HERE}:message_reason", cases)
    assert runtime.values(f"{HERE}:message_reason", cases) == want
