"""gateway/sinks/outbox.py and patience.py"""

import pytest

from gateway.descriptors import Unreadable
from gateway.sinks import outbox as module
from gateway.sinks.outbox import HELD_LIMIT, READ_ROWS, Outbox
from gateway.sinks.patience import Patience
from tests.gateway.sinks.records import OTHER, UID, block, gap

S = 1_000_000_000


@pytest.fixture
def make(bench):
    def make(*, send=False, after_s=300):
        bench.store.register_sink("mqtt")
        patience = Patience(
            bench.timeline, bench.clock, send_unsynchronised=send, provisional_after_s=after_s
        )
        return Outbox("mqtt", bench.store, bench.timeline, patience)

    return make


def drained(outbox):
    """All that may go now: (id, reading)."""
    found = []
    while (due := outbox.next()) is not None:
        found.append((due[0].id, due[1]))
    return found


def ids(outbox):
    return [id_ for id_, _ in drained(outbox)]


def unsynchronise(bench):
    bench.clock.synchronised = False
    bench.clock.booted_utc_ns = 0
    bench.clock.boot_id = "a boot that never knew the time"
    bench.timeline = type(bench.timeline)(bench.store, bench.clock)


async def test_records_come_in_the_order_of_the_store_over_many_reads(bench, make):
    bench.measure()
    await bench.fill(2 * READ_ROWS + 3)
    assert ids(make()) == list(range(1, 2 * READ_ROWS + 4))


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
    for id_ in (1, 2, 4):
        outbox.confirmed(id_)
    outbox.connection_lost()
    assert ids(outbox) == [3, 5, 6]


async def test_a_refused_record_comes_again_before_the_later_ones(bench, make):
    bench.measure()
    await bench.fill(4)
    outbox = make()
    assert [outbox.next()[0].id, outbox.next()[0].id] == [1, 2]
    outbox.refused(1)
    assert ids(outbox) == [1, 3, 4]  # 2 is still on its way


async def test_the_cursor_is_kept_up_to_the_first_hole(bench, make):
    bench.measure()
    await bench.fill(4)
    outbox = make()
    drained(outbox)
    outbox.confirmed(2)
    outbox.keep()
    assert bench.store.cursor("mqtt") == 0
    outbox.confirmed(1)
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
    outbox.release()
    assert ids(outbox) == []
    bench.measure(UID)
    outbox.release()
    assert outbox.held == 0
    await bench.fill(1, first=2, uid=UID)
    assert ids(outbox) == [1, 3, 5]


async def test_a_node_that_never_answers_is_sent_after_its_time_as_what_it_is(bench, make):
    await bench.fill(2)
    outbox = make(after_s=10)
    assert ids(outbox) == []
    bench.clock.now_ns += 9 * S
    outbox.release()
    assert ids(outbox) == []
    bench.clock.now_ns += 1 * S
    outbox.release()
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
    outbox.release()
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


async def test_held_records_are_limited_in_number(bench, make):
    await bench.fill(HELD_LIMIT + 2 * READ_ROWS)
    outbox = make()
    assert ids(outbox) == []
    assert HELD_LIMIT <= outbox.held < HELD_LIMIT + READ_ROWS
    bench.measure()
    outbox.release()
    assert ids(outbox) == list(range(1, HELD_LIMIT + 2 * READ_ROWS + 1))


async def test_reading_ahead_of_one_held_record_is_limited_and_goes_on(bench, make, monkeypatch):
    monkeypatch.setattr(module, "AHEAD_LIMIT", 500)
    bench.measure(OTHER)
    await bench.fill(1, uid=UID)
    await bench.fill(3 * READ_ROWS, uid=OTHER)
    outbox = make()
    sent = ids(outbox)
    assert 500 <= len(sent) < 500 + READ_ROWS
    for id_ in sent[10:]:
        outbox.confirmed(id_)
    outbox.connection_lost()
    assert ids(outbox) == sent[:10]
    bench.measure(UID)
    outbox.release()
    assert ids(outbox) == [1]
    for id_ in [1, *sent[:10]]:
        outbox.confirmed(id_)
    assert ids(outbox)[-1] == 3 * READ_ROWS + 1
