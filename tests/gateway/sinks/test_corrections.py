"""gateway/sinks/corrections.py: what was told with a bad time is told again with a better one."""

import pytest

from gateway.node_clock import TimeState
from gateway.sinks import corrections
from gateway.sinks.corrections import told_of
from gateway.sinks.way import Way
from gateway.store import Store
from tests.gateway.sinks.records import OTHER, UID, Bench, block
from tests.gateway.sinks.test_outbox import S, all_of, make, outbox_over, unsynchronise

__all__ = ["make"]


def deliver(outbox):
    """Everything that may go now is taken by the broker; gives it."""
    found = all_of(outbox.live) + all_of(outbox.older)
    for due in found:
        outbox.confirmed(due.stored, due.way, told_of(due.reading))
    outbox.keep()
    return found


def synchronise(bench):
    bench.clock.booted_utc_ns, bench.clock.synchronised = 1_800_000_000 * S, True
    bench.clock.now_ns += 2 * S
    bench.timeline.observe()


def look(bench, outbox):
    """Time enough for every record to be looked at."""
    for _ in range(40):
        bench.clock.now_ns += int(corrections.LOOK_EVERY_S * S)
        outbox.tick()


@pytest.fixture
async def told(bench, make):
    """Five records that were published while the host had no time."""
    unsynchronise(bench)
    bench.measure()
    await bench.fill(5)
    outbox = make(send=True, after_s=0)
    found = deliver(outbox)
    assert [due.reading.state for due in found] == [TimeState.PROVISIONAL] * 5
    await bench.store.flush()
    return outbox


async def test_what_was_provisional_is_published_again_when_it_is_resolved(bench, told):
    look(bench, told)
    assert deliver(told) == []
    synchronise(bench)
    look(bench, told)
    found = deliver(told)
    assert [due.stored.seq for due in found] == [0, 1, 2, 3, 4]
    assert {due.way for due in found} == {Way.CORRECTION}
    assert {due.reading.state for due in found} == {TimeState.RESOLVED}
    assert all(due.reading.utc_ns > 1_800_000_000 * S for due in found)
    look(bench, told)
    assert deliver(told) == []  # once


async def test_a_correction_is_not_forgotten_by_a_restart(bench, told, tmp_path):
    await bench.store.close()
    again = Bench(tmp_path / "state", bench.clock)
    try:
        synchronise(again)
        again.measure()
        outbox = outbox_over(again, send=True, after_s=0)
        assert deliver(outbox) == []
        look(again, outbox)
        assert [due.stored.seq for due in deliver(outbox)] == [0, 1, 2, 3, 4]
    finally:
        await again.store.close()


async def test_what_waits_for_a_correction_stays_in_the_store_and_goes_after_it(bench, told):
    await bench.fill(200, first=5)
    synchronise(bench)
    bench.measure()
    deliver(told)  # the later ones are resolved at once
    await bench.store.flush()
    assert bench.store.cursor("mqtt") == 205
    bench.store.forget_delivered()
    await bench.store.flush()
    assert bench.store.read_after(0, 1)[0].id == 1
    look(bench, told)
    assert len(deliver(told)) == 5
    await bench.store.flush()
    bench.store.forget_delivered()
    await bench.store.flush()
    assert bench.store.read_after(0, 1)[0].id == 205


async def test_a_correction_that_is_refused_is_tried_again(bench, told):
    synchronise(bench)
    look(bench, told)
    first, *others = all_of(told.older)
    told.correction_refused(first.stored, for_good=False)
    for due in others:
        told.confirmed(due.stored, due.way, None)
    look(bench, told)
    assert [due.stored.seq for due in all_of(told.older)] == [0]


async def test_one_that_is_refused_for_good_is_given_up(bench, told):
    synchronise(bench)
    look(bench, told)
    for due in all_of(told.older):
        told.correction_refused(due.stored, for_good=True)
    look(bench, told)
    assert all_of(told.older) == []


async def test_one_on_its_way_when_the_connection_is_lost_is_sent_again(bench, told):
    synchronise(bench)
    look(bench, told)
    assert len(all_of(told.older)) == 5
    look(bench, told)
    assert all_of(told.older) == []  # they are on their way
    told.connection_lost()
    told.begin()
    look(bench, told)
    assert len(all_of(told.older)) == 5


@pytest.mark.parametrize(
    ("limit", "expected"),
    [(("CORRECTIONS_LIMIT", 3), [2, 3, 4]), (("SPAN_LIMIT", 2), [3, 4]), (("CORRECT_FOR_S", 30), [])],
)
async def test_what_is_remembered_is_limited_in_number_in_span_and_in_time(
    bench, told, monkeypatch, limit, expected
):
    monkeypatch.setattr(corrections, *limit)
    look(bench, told)
    told.keep()
    synchronise(bench)
    look(bench, told)
    corrected = [due.stored.seq for due in deliver(told)]
    assert corrected == expected


async def test_records_that_are_gone_are_given_up(bench, told, monkeypatch):
    monkeypatch.setattr(Store, "read_after", lambda *_: [])
    look(bench, told)
    monkeypatch.undo()
    synchronise(bench)
    look(bench, told)
    assert deliver(told) == []


async def test_of_two_nodes_only_the_uncertain_one_is_corrected(bench, make):
    bench.measure(OTHER)
    for seq in range(3):
        bench.append(block(seq), uid=OTHER)
        bench.append(block(seq), uid=UID)
    await bench.committed()
    outbox = make(after_s=0)
    assert len(deliver(outbox)) == 6
    bench.measure(UID)
    look(bench, outbox)
    found = deliver(outbox)
    assert [(due.stored.uid, due.stored.seq) for due in found] == [(UID, 0), (UID, 1), (UID, 2)]


async def test_many_more_than_one_look_holds_are_all_corrected(bench, make):
    unsynchronise(bench)
    bench.measure()
    await bench.fill(3 * corrections.LOOK_ROWS)
    outbox = make(send=True, after_s=0)
    deliver(outbox)
    synchronise(bench)
    corrected = []
    for _ in range(20):
        look(bench, outbox)
        corrected += [due.stored.seq for due in deliver(outbox)]
    assert corrected == list(range(3 * corrections.LOOK_ROWS))


async def test_a_cursor_waits_when_the_writer_has_no_room_for_what_was_told(bench, make, monkeypatch):
    unsynchronise(bench)
    bench.measure()
    await bench.fill(5)
    outbox = make(send=True, after_s=0)
    with monkeypatch.context() as patched:
        patched.setattr(Store, "put_work", lambda *_, **__: False)
        deliver(outbox)
        assert bench.store.cursor("mqtt") == 0
    outbox.keep()
    assert bench.store.cursor("mqtt") == 5
