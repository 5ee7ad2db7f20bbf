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
