import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.counters import (
    MAX_NAMES,
    MAX_SUBJECTS,
    OTHER,
    REFUSED_SUBJECTS,
    Conditions,
    Counters,
    hexed,
    printable,
)


class Clock:
    def __init__(self):
        self.now_s = 100.0

    def __call__(self):
        return self.now_s


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def counters():
    return Counters()


@pytest.fixture
def conditions(counters, clock):
    return Conditions(counters, clock)


def test_counts_add_up_and_are_sorted_by_name(counters):
    counters.count("hellos")
    counters.count("frame_fcs", 3)
    counters.count("hellos")
    assert list(counters.snapshot().items()) == [("frame_fcs", 3), ("hellos", 2)]


def test_snapshot_does_not_follow_later_counts(counters):
    counters.count("hellos")
    before = counters.snapshot()
    counters.count("hellos")
    assert before == {"hellos": 1}


@pytest.mark.parametrize("name", ["", "Hellos", "two words", "x\n", "a" * 65, "käse", "1st", "a.b"])
def test_a_malformed_name_is_counted_as_other(counters, name):
    counters.count(name)
    assert counters.snapshot() == {OTHER: 1}


def test_no_input_makes_more_than_the_limit_of_names(counters):
    for number in range(MAX_NAMES * 2):
        counters.count(f"name_{number}")
    snapshot = counters.snapshot()
    assert len(snapshot) == MAX_NAMES + 1
    assert snapshot[OTHER] == MAX_NAMES
    assert sum(snapshot.values()) == MAX_NAMES * 2


def test_a_known_name_counts_when_the_table_is_full(counters):
    for number in range(MAX_NAMES):
        counters.count(f"name_{number}")
    counters.count("name_0")
    assert counters.snapshot()["name_0"] == 2
    assert OTHER not in counters.snapshot()


def test_a_state_is_logged_once_however_often_it_is_set(conditions, caplog):
    for _ in range(5):
        conditions.set("port /dev/ttyUSB0", "noise", "ff00")
    assert caplog.messages == ["port /dev/ttyUSB0: noise: ff00"]
    assert caplog.records[0].levelno == logging.WARNING


def test_a_new_detail_of_the_same_state_is_shown_and_not_logged(conditions, clock, caplog):
    conditions.set("sink mqtt", "unreachable", "Connection refused")
    clock.now_s += 5
    conditions.set("sink mqtt", "unreachable", "no answer for 15 s")
    [fault] = conditions.faults()
    assert (fault.detail, conditions.age_s(fault)) == ("no answer for 15 s", 5.0)
    assert caplog.messages == ["sink mqtt: unreachable: Connection refused"]


def test_every_change_of_state_is_logged(conditions, caplog):
    conditions.set("port a", "noise")
    conditions.set("port a", "missing")
    conditions.set("port b", "noise")
    conditions.set("port a", "noise")
    assert caplog.messages == ["port a: noise", "port a: missing", "port b: noise", "port a: noise"]


def test_the_end_of_a_fault_is_logged_with_its_length(conditions, clock, caplog):
    caplog.set_level(logging.INFO)
    conditions.set("port a", "missing")
    clock.now_s += 34
    conditions.clear("port a")
    conditions.clear("port a")
    assert caplog.messages == ["port a: missing", "port a: no longer missing after 34 s"]
    assert conditions.faults() == ()


def test_a_state_without_fault_is_logged_but_is_no_fault(conditions, caplog):
    caplog.set_level(logging.INFO)
    conditions.set("sink mqtt", "refused")
    conditions.set("sink mqtt", "connected", level=logging.INFO)
    assert caplog.messages == ["sink mqtt: refused", "sink mqtt: connected"]
    assert conditions.faults() == ()


def test_faults_come_oldest_first_with_their_age(conditions, clock):
    conditions.set("port b", "missing")
    clock.now_s += 5
    conditions.set("port a", "noise", "00")
    clock.now_s += 2
    faults = conditions.faults()
    assert [(each.subject, each.state, conditions.age_s(each)) for each in faults] == [
        ("port b", "missing", 7.0),
        ("port a", "noise", 2.0),
    ]


def test_a_subject_beyond_the_limit_is_counted_and_not_kept(conditions, counters, caplog):
    for number in range(MAX_SUBJECTS + 3):
        conditions.set(f"port {number}", "noise")
    assert len(conditions.faults()) == MAX_SUBJECTS
    assert len(caplog.messages) == MAX_SUBJECTS
    assert counters.snapshot() == {REFUSED_SUBJECTS: 3}


def test_hex_is_cut_and_says_how_much_there_was():
    assert hexed(b"\x00\xff") == "00ff"
    assert hexed(bytes(64)) == "00" * 64
    assert hexed(bytes(65)) == "00" * 64 + "... (65 octets)"
    assert hexed(b"\x7e\x7d\x20", limit=2) == "7e7d... (3 octets)"


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (b"boot ok", "boot ok"),
        ("21 °C".encode(), "21 °C"),
        (b"\x1b[31mred\x07", "\\x1b[31mred\\x07"),
        (b"a\r\nb", "a\\r\\nb"),
        (b"\xff\xfe", "\\xff\\xfe"),
        ("a\u202eb".encode(), "a\\u202eb"),
        (b"", ""),
    ],
)
def test_peer_text_is_shown_without_what_moves_a_cursor(data, shown):
    assert printable(data, 64) == shown


def test_long_peer_text_is_cut_with_a_mark():
    assert printable(b"x" * 100, 10) == "xxxxxxx..."
    assert printable(b"x" * 10, 10) == "x" * 10


@given(st.binary(max_size=300), st.integers(0, 80))
def test_peer_text_is_always_printable_and_within_its_limit(data, limit):
    shown = printable(data, limit)
    assert len(shown) <= limit
    assert shown.isprintable()
