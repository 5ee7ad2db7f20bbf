"""The two lanes of gateway/sinks/outbox.py: what is new goes at once, what is older beside it."""

import pytest

from gateway.sinks import outbox as module
from gateway.sinks.lane import HELD_LIMIT, REFUSED_LIMIT
from gateway.sinks.lane_rows import CATCH_UP_ROWS, READ_ROWS
from gateway.sinks.outbox import RANGES_LIMIT
from gateway.store import removals
from tests.gateway.sinks.records import OTHER, UID, block
from tests.gateway.sinks.test_outbox import MANY, S, all_of, confirm, ids, lanes, make

__all__ = ["make"]


def numbers(first, last):
    return list(range(first, last + 1))


async def test_what_was_stored_while_the_broker_was_away_is_backlog_and_what_comes_then_is_live(bench, make):
    bench.measure()
    await bench.fill(MANY)
    outbox = make()
    assert outbox.backlog == MANY
    assert outbox.live() is None
    older = [outbox.older().stored.id for _ in range(3)]
    await bench.fill(2, first=MANY)
    assert lanes(outbox) == ([MANY + 1, MANY + 2], numbers(4, MANY))
    assert older == [1, 2, 3]


async def test_few_and_young_records_after_a_short_interruption_are_live_and_in_order(bench, make):
    bench.measure()
    await bench.fill(CATCH_UP_ROWS)
    outbox = make()
    assert lanes(outbox) == (numbers(1, CATCH_UP_ROWS), [])
    outbox.connection_lost()
    await bench.fill(1, first=CATCH_UP_ROWS)
    outbox.begin()
    assert lanes(outbox) == ([], numbers(1, CATCH_UP_ROWS + 1))


async def test_few_and_old_ones_are_backlog(bench, make):
    bench.measure()
    await bench.fill(3)
    bench.clock.now_ns += 61 * S
    outbox = make()
    assert lanes(outbox) == ([], [1, 2, 3])
    await bench.fill(1, first=3)
    assert lanes(outbox) == ([4], [])


async def test_what_the_sink_did_not_keep_up_with_for_moments_is_not_backlog(bench, make):
    bench.measure()
    outbox = make()
    await bench.fill(MANY)
    bench.clock.now_ns += 59 * S
    outbox.tick()
    assert lanes(outbox) == (numbers(1, MANY), [])


async def test_what_it_did_not_keep_up_with_for_longer_is_left_to_the_backlog(bench, make):
    bench.measure()
    outbox = make()
    await bench.fill(MANY)
    for _ in range(5):
        outbox.live()
    bench.clock.now_ns += 61 * S
    await bench.fill(2, first=MANY)
    outbox.tick()
    assert outbox.live() is None  # it leaps to the end of the store
    await bench.fill(2, first=MANY + 2)
    assert lanes(outbox) == ([MANY + 3, MANY + 4], numbers(6, MANY + 2))


async def test_records_of_an_earlier_boot_of_the_host_are_backlog_whatever_their_clock_says(bench, make):
    bench.measure()
    await bench.fill(2)
    bench.clock.boot_id = "second"
    bench.timeline = type(bench.timeline)(bench.store, bench.clock)
    bench.clock.now_ns += 2 * S
    bench.timeline.observe()
    bench.measure()
    outbox = make(after_s=0)
    assert lanes(outbox) == ([], [1, 2])


async def test_what_is_delivered_on_the_live_lane_is_not_sent_again_as_backlog(bench, make):
    bench.measure()
    await bench.fill(MANY)
    outbox = make()
    await bench.fill(4, first=MANY)
    live = [due.stored.id for due in all_of(outbox.live)]
    confirm(outbox, *live[:2])
    outbox.connection_lost()
    outbox.begin()
    assert lanes(outbox) == ([], [*numbers(1, MANY), MANY + 3, MANY + 4])


async def test_what_is_delivered_above_the_cursor_survives_a_restart(bench, make):
    bench.measure()
    await bench.fill(MANY)
    outbox = make()
    await bench.fill(4, first=MANY)
    confirm(outbox, *[due.stored.id for due in all_of(outbox.live)])
    confirm(outbox, *[outbox.older().stored.id for _ in range(10)])
    outbox.keep()
    await bench.store.flush()
    assert bench.store.cursor("mqtt") == 10
    assert bench.store.ranges("mqtt") == [(MANY + 1, MANY + 4)]
    assert ids(make()) == numbers(11, MANY)


async def test_of_too_many_ranges_the_smallest_are_forgotten_and_delivered_again(bench, make):
    bench.measure()
    await bench.fill(MANY)
    outbox = make()
    drained = ids(outbox)
    alone = drained[2::3][: RANGES_LIMIT + 5]
    confirm(outbox, *alone, *drained[-50:])
    outbox.keep()
    await bench.store.flush()
    assert len(bench.store.ranges("mqtt")) == RANGES_LIMIT
    again = ids(make())
    assert sorted({*again, *alone, *drained[-50:]}) == drained  # nothing is skipped
    assert sorted(set(again) & set(alone)) == alone[:6]  # the oldest are repeated
    assert not set(again) & set(drained[-50:])


async def test_one_node_held_for_its_time_holds_no_other_and_is_backlog_after_a_while(bench, make):
    bench.measure(OTHER)
    outbox = make()
    await bench.fill(3, uid=UID)
    await bench.fill(3, uid=OTHER)
    assert lanes(outbox) == ([4, 5, 6], [])
    bench.clock.now_ns += 61 * S
    outbox.tick()
    await bench.fill(1, first=3, uid=OTHER)
    assert lanes(outbox) == ([7], [])
    assert outbox.held == 3
    bench.measure(UID)
    outbox.tick()
    assert lanes(outbox) == ([], [1, 2, 3])


async def test_held_records_are_limited_in_number_and_live_ones_of_other_nodes_go_on(bench, make):
    bench.measure(OTHER)
    outbox = make()
    for at in range(4):
        await bench.fill(HELD_LIMIT // 2, first=at * HELD_LIMIT // 2, uid=UID)
        await bench.fill(1, first=at, uid=OTHER)
        assert len(all_of(outbox.live) + all_of(outbox.live)) == 1
        all_of(outbox.older)
        assert outbox.held <= 2 * HELD_LIMIT  # one limit for each lane
    bench.measure(UID)
    outbox.tick()
    everything = {*ids(outbox)}
    outbox.tick()
    everything |= {*ids(outbox)}
    assert len(everything) == 2 * HELD_LIMIT


async def test_a_backlog_that_waits_for_its_time_is_held_up_to_the_limit_and_goes_in_order(bench, make):
    await bench.fill(HELD_LIMIT + MANY)
    outbox = make()
    assert ids(outbox) == []
    assert outbox.held == HELD_LIMIT
    bench.measure()
    outbox.tick()
    assert ids(outbox) == numbers(1, HELD_LIMIT + MANY)


async def test_fragments_are_limited_and_the_live_lane_goes_on_when_they_are_gone(bench, make, monkeypatch):
    monkeypatch.setattr(module, "FRAGMENTS_LIMIT", 100)
    bench.measure(OTHER)
    outbox = make()
    for seq in range(150):
        bench.append(block(seq), uid=UID)
        bench.append(block(seq), uid=OTHER)
    await bench.committed()
    sent = []
    while (due := outbox.live()) is not None:
        sent.append(due.stored.id)
        confirm(outbox, due.stored.id)
    assert len(sent) == 100
    bench.measure(UID)
    outbox.tick()
    bench.clock.now_ns += 61 * S
    outbox.tick()
    for _ in range(3):  # of which the live lane needs one to leap
        for due in all_of(outbox.older) + all_of(outbox.live):
            sent.append(due.stored.id)
            confirm(outbox, due.stored.id)
    assert sorted(sent) == numbers(1, 300)


async def test_a_refused_live_record_goes_to_the_backlog_when_it_is_late(bench, make):
    bench.measure()
    outbox = make()
    await bench.fill(3)
    first, _second, _third = all_of(outbox.live)
    outbox.refused(first.stored)
    assert outbox.live(frozenset({1})) is None
    bench.clock.now_ns += 61 * S
    outbox.tick()
    assert lanes(outbox) == ([], [1])


async def test_a_record_refused_after_the_edge_has_passed_it_is_backlog(bench, make):
    bench.measure()
    outbox = make()
    await bench.fill(MANY)
    first, second = outbox.live(), outbox.live()
    bench.clock.now_ns += 61 * S
    outbox.tick()
    assert outbox.live() is None
    outbox.refused(first.stored)
    found = lanes(outbox)
    assert found == ([], [1, *numbers(3, MANY)])
    outbox.refused(second.stored)
    assert lanes(outbox) == ([], [2])


@pytest.mark.parametrize("another", [False, True])
async def test_another_than_the_first_refused_one_may_be_asked_for(bench, make, another):
    bench.measure()
    outbox = make()
    await bench.fill(3)
    first, second = outbox.live(), outbox.live()
    outbox.refused(first.stored)
    outbox.refused(second.stored)
    assert outbox.live(another=another).stored.id == (2 if another else 1)
    assert outbox.live(another=another).stored.id == (3 if another else 2)


async def test_refused_records_are_limited_and_the_live_lane_leaves_them_to_the_backlog(bench, make):
    bench.measure()
    outbox = make()
    await bench.fill(2 * READ_ROWS)
    everything = frozenset(numbers(1, 10_000))
    for due in [outbox.live() for _ in range(REFUSED_LIMIT)]:
        outbox.refused(due.stored)
    assert outbox.live(everything) is None
    assert outbox.backlog == REFUSED_LIMIT
    assert [due.stored.id for due in all_of(outbox.live)] == numbers(REFUSED_LIMIT + 1, 2 * READ_ROWS)
    for due in all_of(outbox.older):
        outbox.refused(due.stored)
    assert outbox.older(everything) is None
    assert [due.stored.id for due in all_of(outbox.older)] == numbers(1, REFUSED_LIMIT)


async def test_a_backlog_of_refused_records_reads_no_further_than_its_limit(bench, make):
    bench.measure()
    await bench.fill(MANY)
    outbox = make()
    everything = frozenset(numbers(1, MANY))
    for due in [outbox.older() for _ in range(REFUSED_LIMIT)]:
        outbox.refused(due.stored)
    assert outbox.older(everything) is None
    assert outbox.older().stored.id == 1
    assert outbox.older(everything).stored.id == REFUSED_LIMIT + 1


@pytest.mark.parametrize("waiting", [100, MANY])
async def test_over_rows_that_are_gone_the_cursor_passes_and_skips_nothing_that_is_there(
    bench, make, waiting
):
    bench.measure()
    await bench.fill(waiting)
    gone = [*numbers(1, 3), *range(10, waiting, 5), waiting - 1]

    def take_out(connection, _ledger):
        connection.executemany("DELETE FROM record WHERE id = ?", [(id_,) for id_ in gone])
        removals.add(connection, gone)
        removals.forget_upto(connection, 3)  # the low end is counted no more
        return False

    bench.store.put_work("take out", take_out)
    await bench.store.flush()
    outbox = make()
    there = sorted(set(numbers(1, waiting)) - set(gone))
    assert ids(outbox) == there
    confirm(outbox, *there)
    outbox.keep()
    await bench.store.flush()
    assert bench.store.cursor("mqtt") == waiting
    assert bench.store.ranges("mqtt") == []
