"""gateway/sinks/marks.py: what consumers say, friendly or not."""

import contextlib
import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.sinks.marks import EPOCH_CHARACTERS, MARKS_LIMIT, MESSAGE_OCTETS, BadMarks, Marks, parse

UID = "24becf804ff1"
KEY = (bytes.fromhex(UID), 7, 1)


def said(**changes):
    return json.dumps({"epoch": "e", "marks": [[UID, 7, 1, 5]]} | changes).encode()


def test_marks_are_read_and_unknown_keys_are_no_mistake():
    assert parse(said(later="more")) == Marks("e", {KEY: 5})
    assert parse(said(marks=[])) == Marks("e", {})


WRONG = [
    (b"", "not_json"),
    (b"\xff", "not_json"),
    (b"[" * 100_000, "not_json"),
    (b'{"epoch":"e","marks":[["24becf804ff1",7,1,' + b"9" * 5000 + b"]]}", "not_json"),
    (b"[]", "not_an_object"),
    (said(epoch=""), "epoch"),
    (said(epoch=5), "epoch"),
    (said(epoch="a\nb"), "epoch"),
    (said(epoch="x" * (EPOCH_CHARACTERS + 1)), "epoch"),
    (said(marks={}), "marks"),
    (said(marks=[[UID, 7, 1, 5]] * 2), "mark"),
    (said(marks=[[UID, 7, 1]]), "mark"),
    (said(marks=[UID]), "mark"),
    (said(marks=[[UID.upper(), 7, 1, 5]]), "mark"),
    (said(marks=[["24", 7, 1, 5]]), "mark"),
    (said(marks=[[UID, True, 1, 5]]), "mark"),
    (said(marks=[[UID, 7.0, 1, 5]]), "mark"),
    (said(marks=[[UID, 7, 1, -1]]), "mark"),
    (said(marks=[[UID, 7, 1, 1 << 63]]), "mark"),
    (said(marks=[[UID, None, 1, 5]]), "mark"),
]


@pytest.mark.parametrize(("octets", "reason"), WRONG)
def test_whatever_is_not_exactly_that_is_refused_by_name(octets, reason):
    with pytest.raises(BadMarks) as caught:
        parse(octets)
    assert caught.value.reason == reason


@given(st.binary(max_size=200))
@example(b'{"epoch":"e","marks":NaN}')
@example(b"1e999999")
def test_any_octets_are_marks_or_refused(octets):
    with contextlib.suppress(BadMarks):
        assert isinstance(parse(octets), Marks)


def test_limits_of_a_message():
    most = [[f"{number:012x}", 7, 1, 5] for number in range(MARKS_LIMIT)]
    assert len(parse(said(marks=most)).next_seqs) == MARKS_LIMIT
    with pytest.raises(BadMarks, match="marks"):
        parse(said(marks=[*most, ["ffffffffffff", 7, 1, 5]]))
    with pytest.raises(BadMarks, match="too_long"):
        parse(said(more="x" * MESSAGE_OCTETS))
    longest = [[f"{number:016x}", (1 << 48) - 1, 2, 10**10] for number in range(MARKS_LIMIT)]
    assert len(json.dumps({"epoch": "e", "marks": longest}, separators=(",", ":"))) <= MESSAGE_OCTETS
