"""gateway/sinks/outbox.py with lane.py, lane_rows.py and judgement.py"""

from functools import partial

import pytest

from gateway.descriptors import Unreadable
from gateway.sinks.lane_rows import READ_ROWS
from gateway.sinks.outbox import Outbox
from gateway.sinks.patience import Patience
from gateway.sinks.way import Way
from tests.gateway.sinks.records import OTHER, UID, block, gap

S = 1_000_000_000
MANY = 2 * READ_ROWS + 3  # more than a short interruption leaves


def outbox_over(bench, *, send=False, after_s=300, backfill_after_s=60):
    """An outbox with a connection."""
    bench.store.register_sink("mqtt")
    patience = Patience(bench.timeline, bench.clock, send_unsynchronised=send, provisional_after_s=after_s)
    outbox = Outbox(
        "mqtt", bench.store, bench.timeline, patience, bench.clock, backfill_after_s=backfill_after_s
    )
    outbox.begin()
    return outbox


@pytest.fixture
def make(bench):
    return partial(outbox_over, bench)


def all_of(next_one):
    found = []
    while (due := next_one()) is not None:
        found.append(due)
    return found


def drained(outbox):
    """All that may go now, the new ones first: (id, reading)."""
    return [(due.stored.id, due.reading) for due in all_of(outbox.live) + all_of(outbox.older)]


def ids(outbox):
    return [id_ for id_, _ in drained(outbox)]


def lanes(outbox):
    """The same by lane."""
    live, older = all_of(outbox.live), all_of(outbox.older)
    assert {due.way for due in live} <= {Way.LIVE}
    assert {due.way for due in older} <= {Way.BACKLOG}
    return [due.stored.id for due in live], [due.stored.id for due in older]


def confirm(outbox, *confirmed):
    """The broker has these; an id stands for its record."""
    for id_ in confirmed:
        outbox.confirmed(Named(id_))


class Named:
    """A stored record as far as confirming it needs it."""

    def __init__(self, id_):
        self.id = id_


def unsynchronise(bench):
    bench.clock.synchronised = False
    bench.clock.booted_utc_ns = 0
    bench.clock.boot_id = "a boot that never knew the time"
    bench.timeline = type(bench.timeline)(bench.store, bench.clock)


async def test_records_come_in_the_order_of_the_store_over_many_reads(bench, make):
    bench.measure()
    await bench.fill(MANY)
    assert ids(make()) == list(range(1, MANY + 1))


async def test_nothing_comes_twice_while_it_is_on_its_way(bench, make):
    bench.measure()
    await bench.fill(3)
    outbox = make()
    assert ids(outbox) == [1, 2, 3]
    await bench.fill(2, first=3)
    assert ids(outbox) == [4, 5]


async def test_after_a_lost_connection_only_the_unconfirmed_come_again(bench, make):
    bench.measure()
    await bench.fill(6)
    outbox = make()
    drained(outbox)
    confirm(outbox, 1, 2, 4)
    outbox.connection_lost()
    outbox.begin()
    assert ids(outbox) == [3, 5, 6]


async def test_a_refused_record_comes_again_before_the_later_ones(bench, make):
    bench.measure()
    await bench.fill(4)
    outbox = make()
    first, second = outbox.live(), outbox.live()
    assert (first.stored.id, second.stored.id) == (1, 2)
    outbox.refused(first.stored)
    assert ids(outbox) == [1, 3, 4]  # 2 is still on its way


async def test_the_cursor_is_kept_up_to_the_first_hole(bench, make):
    bench.measure()
    await bench.fill(4)
    outbox = make()
    drained(outbox)
    confirm(outbox, 2)
    outbox.keep()
    assert bench.store.cursor("mqtt") == 0
    confirm(outbox, 1)
    outbox.keep()
    assert bench.store.cursor("mqtt") == 2
    assert ids(make()) == [3, 4]


async def test_a_node_whose_clock_is_not_known_waits_and_stays_in_order(bench, make):
    bench.measure(OTHER)
    bench.append(block(0), uid=UID)
    bench.append(block(0), uid=OTHER)
    bench.append(gap(1, 2), uid=UID)
    bench.append(block(1), uid=OTHER)
    await bench.committed()
    outbox = make()
    assert ids(outbox) == [2, 4]
    assert outbox.held == 2
    outbox.tick()
    assert ids(outbox) == []
    bench.measure(UID)
    outbox.tick()
    assert outbox.held == 0
    await bench.fill(1, first=2, uid=UID)
    assert ids(outbox) == [1, 3, 5]


async def test_a_node_that_never_answers_is_sent_after_its_time_as_what_it_is(bench, make):
    await bench.fill(2)
    outbox = make(after_s=10)
    assert ids(outbox) == []
    bench.clock.now_ns += 9 * S
    outbox.tick()
    assert ids(outbox) == []
    bench.clock.now_ns += 1 * S
    outbox.tick()
    assert [(id_, reading.state) for id_, reading in drained(outbox)] == [(1, "unknown"), (2, "unknown")]


async def test_a_host_without_time_waits_for_ever_unless_told_to_send(bench, make):
    unsynchronise(bench)
    await bench.fill(1)
    waiting, sending = make(), make(send=True, after_s=10)
    bench.clock.now_ns += 100_000 * S
    assert ids(waiting) == []
    ((_, reading),) = drained(sending)
    assert reading.state in ("provisional", "unknown")
    assert reading.utc_ns > 1_767_225_600 * S  # the host believes in 1970; nobody else has to


async def test_a_record_of_an_earlier_host_boot_counts_from_this_boot(bench, make):
    await bench.fill(1)
    bench.clock.boot_id = "second"
    bench.clock.now_ns = 5 * S
    bench.timeline = type(bench.timeline)(bench.store, bench.clock)
    outbox = make(after_s=10)
    assert ids(outbox) == []
    bench.clock.now_ns = 10 * S
    outbox.tick()
    assert ids(outbox) == [1]


async def test_an_impossible_time_is_a_fault_and_no_reading(bench, make):
    bench.clock.booted_utc_ns = 0  # somebody vouches for 1970
    bench.clock.boot_id = "vouched"
    bench.timeline = type(bench.timeline)(bench.store, bench.clock)
    bench.measure()
    await bench.fill(1)
    ((_, reading),) = drained(make())
    assert isinstance(reading, Unreadable)
    assert reading.reason == "impossible_time"


async def test_what_cannot_be_read_waits_for_no_clock(bench, make):
    unsynchronise(bench)
    bench.append(block(0, group=9))
    await bench.committed()
    ((_, reading),) = drained(make())
    assert reading.reason == "group_unknown"
