"""gateway/time_question.py"""

import pytest

from gateway.counters import Counters
from gateway.time_question import REPLY_NS, TimeQuestion
from gateway.timeline import Timeline
from tests.gateway.shelf import Shelf
from tests.gateway.virtual_host import MS, S, VirtualClock
from wire import up

UID = b"\x01\x02\x03\x04\x05\x06"
BOOT = 1


@pytest.fixture
def counters():
    return Counters()


@pytest.fixture
def shelf():
    return Shelf()


@pytest.fixture
def question(shelf, counters):
    return TimeQuestion(Timeline(shelf, VirtualClock()), counters)


def test_an_answer_becomes_an_exchange_from_the_moment_of_sending(question, shelf):
    id_ = question.next_id(UID, BOOT, 10 * S)
    question.sent(id_, 11 * S)
    question.answered(UID, BOOT, up.TimeReply(id_, 500, 600), 11 * S + 4 * MS)
    [kept] = shelf.kept
    exchange = kept.exchange
    assert (exchange.t1_ns, exchange.t2_us, exchange.t3_us, exchange.t4_ns) == (
        11 * S,
        500,
        600,
        11 * S + 4 * MS,
    )


def test_nothing_is_asked_while_a_question_is_on_its_way(question):
    assert question.next_id(UID, BOOT, 10 * S) is not None
    assert question.next_id(UID, BOOT, 10 * S + REPLY_NS - 1) is None


def test_a_late_answer_is_given_up_and_another_id_asked_with(question, counters, shelf):
    late = question.next_id(UID, BOOT, 10 * S)
    assert question.next_id(UID, BOOT, 10 * S + REPLY_NS) not in (None, late)
    question.answered(UID, BOOT, up.TimeReply(late, 1, 2), 13 * S)
    assert counters.snapshot() == {"time_replies_late": 1, "time_replies_unasked": 1}
    assert shelf.kept == []


def test_an_answer_without_a_question_is_counted(question, counters, shelf):
    question.answered(UID, BOOT, up.TimeReply(0, 1, 2), 10 * S)
    assert counters.snapshot() == {"time_replies_unasked": 1}
    assert shelf.kept == []


def test_what_the_octets_took_on_the_line_is_no_part_of_the_round_trip(question, shelf):
    id_ = question.next_id(UID, BOOT, 10 * S)
    question.sent(id_, 11 * S, wire_ns=MS)
    question.answered(UID, BOOT, up.TimeReply(id_, 500, 600), 11 * S + 6 * MS, wire_ns=2 * MS)
    exchange = shelf.kept[0].exchange
    assert (exchange.t1_ns, exchange.t4_ns) == (11 * S + MS, 11 * S + 4 * MS)


def test_a_line_that_is_faster_than_its_baud_is_never_believed_again(question, counters, shelf):
    for second, took_ns in ((11, 2 * MS), (22, 6 * MS)):
        id_ = question.next_id(UID, BOOT, second * S)
        question.sent(id_, second * S, wire_ns=MS)
        ticks = second * 1_000_000
        question.answered(UID, BOOT, up.TimeReply(id_, ticks, ticks), second * S + took_ns, wire_ns=2 * MS)
    assert counters.snapshot() == {"time_replies_too_fast": 1}
    assert [kept.exchange.t4_ns - kept.exchange.t1_ns for kept in shelf.kept] == [2 * MS, 6 * MS]
