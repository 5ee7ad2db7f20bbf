"""gateway/sinks/patience.py"""

from dataclasses import dataclass

import pytest

from gateway.host_clock import NO_EARLIER_NS, UNSYNCHRONISED_NS
from gateway.node_clock import Exchange, TimeState
from gateway.readings import Loss
from gateway.sinks.patience import MUCH, Patience, Told, improvement, possible
from gateway.timeline import Timeline
from tests.gateway.shelf import Shelf
from tests.gateway.virtual_host import HOUR, MS, UTC, S, VirtualClock

UID = b"\x01\x02\x03\x04\x05\x06"
AFTER_S = 300
RESOLVED, PROVISIONAL, INTERVAL, UNKNOWN = TimeState


@dataclass(frozen=True)
class Row:
    """What patience looks at of a stored record."""

    arrived_ns: int
    host_boot: int = 1
    id: int = 1
    uid: bytes = UID
    boot: int = 1
    stream: int = 1
    seq: int = 0
    message: bytes = b""
    descriptor: bytes = b""


def loss(state, uncertainty_ns=5 * MS, utc_ns=UTC):
    return Loss(UID, 1, 1, 0, 1, "queue_full", utc_ns, 0, uncertainty_ns, state)


class Wait:
    """One record of a node and the seconds that pass until it may go."""

    def __init__(self, *, send=False, synchronised=True, measured=True, host_boot=1):
        self.clock = VirtualClock(synchronised=synchronised)
        shelf = Shelf()
        if host_boot < 1:
            Timeline(shelf, VirtualClock(boot_id="former", booted_utc_ns=UTC - HOUR, synchronised=False))
        self.timeline = Timeline(shelf, self.clock)
        if measured:
            at_ns = self.clock.now_ns
            exchange = Exchange(t1_ns=at_ns, t2_us=at_ns // 1000, t3_us=at_ns // 1000, t4_ns=at_ns + MS)
            self.timeline.exchange(UID, 1, exchange)
        self.row = Row(self.clock.now_ns, self.timeline.host_boot + min(0, host_boot - 1))
        self.patience = Patience(
            self.timeline, self.clock, send_unsynchronised=send, provisional_after_s=AFTER_S
        )

    def seconds(self, state, limit_s=4 * AFTER_S):
        for second in range(limit_s):
            if self.patience.ready(self.row, loss(state)):
                return second
            self.clock.now_ns += S
        return None


@pytest.mark.parametrize("send", [False, True])
@pytest.mark.parametrize("synchronised", [False, True])
def test_a_resolved_reading_goes_at_once(send, synchronised):
    assert Wait(send=send, synchronised=synchronised).seconds(RESOLVED) == 0


@pytest.mark.parametrize("state", [PROVISIONAL, INTERVAL, UNKNOWN])
def test_without_a_synchronised_host_wait_waits_for_ever(state):
    assert Wait(synchronised=False).seconds(state) is None


@pytest.mark.parametrize("state", [PROVISIONAL, INTERVAL, UNKNOWN])
def test_without_a_synchronised_host_send_sends_after_just_so_long(state):
    assert Wait(send=True, synchronised=False).seconds(state) == AFTER_S


@pytest.mark.parametrize("send", [False, True])
def test_what_can_get_no_better_goes_at_once(send):
    assert Wait(send=send).seconds(PROVISIONAL) == 0


@pytest.mark.parametrize("send", [False, True])
def test_a_node_that_nobody_has_measured_is_waited_for_and_not_for_ever(send):
    assert Wait(send=send, measured=False).seconds(UNKNOWN) == AFTER_S


def test_a_record_of_a_former_boot_waits_from_the_start_of_this_one():
    wait = Wait(send=True, synchronised=False, host_boot=0)
    assert wait.row.host_boot == wait.timeline.host_boot - 1
    assert wait.seconds(UNKNOWN) == AFTER_S - 10  # the virtual host is 10 s old


def test_no_reading_is_possible_before_this_program_was():
    assert not possible(loss(RESOLVED, utc_ns=NO_EARLIER_NS - 1))
    assert possible(loss(RESOLVED, utc_ns=NO_EARLIER_NS))


@pytest.mark.parametrize(
    ("then", "now", "worth"),
    [
        (Told(PROVISIONAL, S), (RESOLVED, MS), True),
        (Told(PROVISIONAL, UNSYNCHRONISED_NS), (INTERVAL, HOUR), True),  # a state worse, yet so much more
        (Told(UNKNOWN, UNSYNCHRONISED_NS), (PROVISIONAL, S), True),
        (Told(PROVISIONAL, MUCH * MS), (PROVISIONAL, MS), True),
        (Told(PROVISIONAL, MUCH * MS - 1), (PROVISIONAL, MS), False),
        (Told(INTERVAL, HOUR), (INTERVAL, HOUR // 2), False),
        (Told(PROVISIONAL, MS), (RESOLVED, S), False),  # a better word for less
        (Told(RESOLVED, S), (RESOLVED, MS), False),  # final
        (Told(PROVISIONAL, MS), (PROVISIONAL, MS), False),
    ],
)
def test_a_correction_is_worth_a_message_when_it_helps(then, now, worth):
    better = improvement(then, loss(*now))
    assert better.worth_telling is worth
    assert (better.then, better.now) == (then, Told(*now))
    assert better.factor == pytest.approx(then.uncertainty_ns / now[1])
