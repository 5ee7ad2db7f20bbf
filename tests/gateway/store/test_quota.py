"""Without room something goes, in the order and the way that was said, and all of it is named."""

import asyncio
from types import SimpleNamespace

import apsw
import pytest

from gateway import fast_decode
from gateway.store import Arrival, Store
from gateway.store.database import WAL_OCTETS_KEPT
from gateway.store.policy import DROP_ROWS, STRETCH, WhenFull
from gateway.store.room import Limits
from gateway.store.store import FORGET_LEAST
from tests.gateway.store.bench import BOOT, HASH, OTHER, UID, opened
from tests.gateway.store.faulty_disk import FaultyDisk
from wire import cbor
from wire.up import Block, Gap

EVENTS, READINGS, BULK = 0, 1, 2
PERIOD_US = 1_000_000
SMALL = Limits(max_octets=WAL_OCTETS_KEPT + 1_000_000, floor_octets=0)  # some 3000 blocks
ENCODER = cbor.Encoder(1024)


def block(seq, *, uid=UID, stream=READINGS, values=60):
    """One second of ten scans, as a node sends it."""
    message = Block(BOOT, stream, seq, 0, seq * PERIOD_US, PERIOD_US - 100_000, [1000] * values, {})
    octets = bytes(message.encode(ENCODER))
    return Arrival(uid, BOOT, stream, seq, seq + 1, Block.TYPE, octets, HASH, 1, seq)


async def filled(bench, seqs, **of):
    """Gives the seqs that were not taken."""
    refused = []
    for count, seq in enumerate(seqs):
        if not bench.store.append(block(seq, **of)):
            refused.append(seq)
        if count % 200 == 199:
            await bench.store.flush()
    await bench.store.flush()
    return refused


def kept(bench, stream=READINGS, uid=UID):
    """The seqs that are stored, and the ranges that GAPs name."""
    records = [
        each for each in bench.store.read_after(0, 1_000_000) if (each.uid, each.stream) == (uid, stream)
    ]
    gaps = [fast_decode.decode(each.message) for each in records if each.kind == Gap.TYPE]
    return [each.seq for each in records if each.kind == Block.TYPE], gaps


def named(gaps):
    return sorted(seq for gap in gaps for seq in range(gap.seq, gap.next_seq))


@pytest.mark.parametrize("stream", [EVENTS, BULK])
async def test_of_other_streams_the_oldest_go_too_and_all_of_them(tmp_path, stream):
    async with opened(tmp_path, limits=SMALL) as bench:
        assert not await filled(bench, range(8000), stream=stream)
        stored, [gap] = kept(bench, stream)
        assert stored == list(range(gap.next_seq, 8000))


async def test_the_oldest_go_and_one_gap_names_them_with_their_time(tmp_path):
    async with opened(tmp_path, limits=SMALL) as bench:
        assert not await filled(bench, range(8_000))
        stored, [gap] = kept(bench)
        assert stored == list(range(gap.next_seq, 8_000))
        assert (gap.boot, gap.stream, gap.seq, gap.reason) == (BOOT, READINGS, 0, "dropped_by_gateway")
        assert (gap.t_first, gap.t_first + gap.span) == (0, gap.next_seq * PERIOD_US - 100_000)
        assert bench.store.dropped == {"bulk": 0, "readings": gap.next_seq, "events": 0}
        assert bench.store.room_fault == (
            "dropping",
            f"max_mib is reached; dropped since the start: {gap.next_seq} readings",
        )
        assert bench.store.usage().room.used_octets <= SMALL.max_octets
        assert bench.store.stored == len(stored) + 1
    assert (tmp_path / "store.db").stat().st_size <= 1_000_000


async def test_bulk_goes_before_readings_and_readings_before_events(tmp_path):
    async with opened(tmp_path, limits=SMALL) as bench:
        assert not await filled(bench, range(500), stream=EVENTS)
        assert not await filled(bench, range(1000), stream=READINGS)
        assert not await filled(bench, range(5000), stream=BULK)
        assert not kept(bench, READINGS)[1]
        assert named(kept(bench, BULK)[1])
        assert not await filled(bench, range(1000, 8000), stream=READINGS)
        assert named(kept(bench, READINGS)[1])
        assert kept(bench, BULK)[0] == []
        assert kept(bench, EVENTS) == (list(range(500)), [])
        assert not await filled(bench, range(500, 8000), stream=EVENTS)
        stored, gaps = kept(bench, EVENTS)
        assert sorted(stored + named(gaps)) == list(range(8000))
        assert gaps
        assert kept(bench, READINGS)[0] == []


async def test_what_every_sink_has_goes_first_and_unnamed(tmp_path):
    async with opened(tmp_path, limits=SMALL) as bench:
        bench.store.register_sink("mqtt")
        await filled(bench, range(2000))
        bench.store.move_cursor("mqtt", 2000)
        assert not await filled(bench, range(2000, 4000))
        stored, gaps = kept(bench)
        assert not gaps
        assert stored[-2000:] == list(range(2000, 4000))
        assert bench.store.stored < 4000
        assert bench.store.room_fault is None


async def test_thinning_keeps_all_of_the_time_and_names_every_hole(tmp_path):
    async with opened(tmp_path, limits=SMALL, when_full={"readings": WhenFull.THIN}) as bench:
        assert not await filled(bench, range(12_000))
        stored, gaps = kept(bench)
        assert sorted(stored + named(gaps)) == list(range(12_000))
        ages = [len([seq for seq in stored if low <= seq < low + 3000]) for low in range(0, 12_000, 3000)]
        assert min(ages) >= 2 * STRETCH
        assert all(gap.reason == "dropped_by_gateway" for gap in gaps)


async def test_what_must_not_push_out_older_records_stays_on_the_node(tmp_path):
    when_full = dict.fromkeys(("events", "readings", "bulk"), WhenFull.DROP_NEWEST)
    async with opened(tmp_path, limits=SMALL, when_full=when_full) as bench:
        refused = await filled(bench, range(8_000))
        stored, gaps = kept(bench)
        assert (stored, gaps) == (list(range(refused[0])), [])
        assert bench.store.room_fault == ("refusing", "max_mib is reached; not taken: bulk, readings, events")
        assert bench.store.state == "open"
        bench.store.register_sink("mqtt")
        bench.store.move_cursor("mqtt", len(stored))
        await bench.store.flush()
        for _ in range(30):
            bench.store.forget_delivered()
            await bench.store.flush()
        assert not await filled(bench, range(refused[0], refused[0] + 100))
        assert bench.store.room_fault is None


async def test_where_readings_stay_on_the_node_events_do_not_go_for_them(tmp_path):
    async with opened(tmp_path, limits=SMALL, when_full={"readings": WhenFull.DROP_NEWEST}) as bench:
        # In commits of less than half of the margin, as in the field.
        assert not await filled(bench, range(50), stream=EVENTS)
        begun = 0
        while not await filled(bench, range(begun, begun + 50)):
            begun += 50
        assert not await filled(bench, range(50, 100), stream=EVENTS)
        assert kept(bench, EVENTS) == (list(range(100)), [])
        assert bench.store.room_fault == ("refusing", "max_mib is reached; not taken: readings")
        for part in range(100, 1_000, 50):
            assert not await filled(bench, range(part, part + 50), stream=EVENTS)
        stored, gaps = kept(bench, EVENTS)
        assert gaps
        assert sorted(stored + named(gaps)) == list(range(1_000))


async def test_the_gap_is_there_after_a_restart_and_later_drops_go_on_from_it(tmp_path):
    async with opened(tmp_path, limits=SMALL) as bench:
        bench.store.register_sink("mqtt")
        await filled(bench, range(6000))
    async with opened(tmp_path, limits=SMALL) as bench:
        assert named(kept(bench)[1])
        await filled(bench, range(6000, 16_000))
        stored, gaps = kept(bench)
        assert sorted(stored + named(gaps)) == list(range(16_000))
        assert len(gaps) == 1


async def test_the_streams_of_several_nodes_go_together_and_are_named_apart(tmp_path):
    async with opened(tmp_path, limits=SMALL) as bench:
        for first in range(0, 5000, 100):
            assert not await filled(bench, range(first, first + 100), uid=UID)
            assert not await filled(bench, range(first, first + 100), uid=OTHER)
        for uid in (UID, OTHER):
            stored, [gap] = kept(bench, uid=uid)
            assert stored == list(range(gap.next_seq, 5000))


async def test_a_gap_of_the_node_becomes_part_of_the_drop_around_it(tmp_path):
    async with opened(tmp_path, limits=SMALL) as bench:
        await filled(bench, range(1000))
        lost = Gap(BOOT, READINGS, 1000, 1100, "queue_full", 1000 * PERIOD_US, 100 * PERIOD_US)
        bench.store.append(
            Arrival(UID, BOOT, READINGS, 1000, 1100, Gap.TYPE, bytes(lost.encode(ENCODER)), HASH, 1, 1)
        )
        await filled(bench, range(1100, 8000))
        stored, [gap] = kept(bench)
        assert (gap.seq, gap.next_seq) == (0, stored[0])
        assert bench.store.dropped["readings"] == stored[0] - 100


async def test_a_disk_below_its_floor_lets_the_store_live_on_what_it_has(tmp_path, monkeypatch):
    async with opened(tmp_path, limits=Limits(floor_octets=10 << 20)) as bench:
        await filled(bench, range(8000))
        octets = bench.store.usage().room.file_octets
        monkeypatch.setattr("os.statvfs", lambda _path: SimpleNamespace(f_bavail=1000, f_frsize=4096))
        while bench.store.usage().room.left_octets <= 0 or bench.store.dropped["readings"] == 0:
            bench.store.forget_delivered()  # as it is called every second
            await bench.store.flush()
        assert not await filled(bench, range(8000, 16_000))
        stored, [gap] = kept(bench)
        assert stored == list(range(gap.next_seq, 16_000))
        assert bench.store.room_fault[1].startswith("free_floor_mib is reached")
        monkeypatch.undo()
    assert (tmp_path / "store.db").stat().st_size <= octets + (1 << 20)


async def test_one_commit_drops_a_bounded_number(tmp_path):
    async with opened(tmp_path, limits=SMALL) as bench:
        await filled(bench, range(5000), values=10)
    async with opened(tmp_path, limits=Limits(max_octets=WAL_OCTETS_KEPT, floor_octets=0)) as bench:
        while bench.store.stored > 2:  # the newest of all, and the GAP
            bench.store.forget_delivered()
            await bench.store.flush()
            assert bench.store.dropped["readings"] <= DROP_ROWS * (bench.store.counts.commits + 1)
        assert (bench.store.state, bench.store.detail.split(",")[0]) == (
            "degraded",
            "full: max_mib is reached",
        )
        assert not bench.store.append(block(5000))


async def test_what_was_dropped_in_a_commit_that_failed_is_there_and_can_go_again(tmp_path):
    disk = FaultyDisk()
    async with opened(tmp_path / "store", limits=SMALL, vfs=disk.name) as bench:
        await filled(bench, range(4000))
        seq = 4000
        while not bench.refusals:
            disk.failing_syncs = (
                bench.store.usage().room.left_octets < 2 * bench.store.usage().room.margin_octets
            )
            bench.store.append(block(seq))
            await bench.store.flush()
            seq += not bench.refusals
        while not bench.store.append(block(seq)):
            await bench.store.flush()
        await bench.store.flush()
        assert not await filled(bench, range(seq + 1, 9000))
        stored, gaps = kept(bench)
        assert sorted(stored + named(gaps)) == list(range(9000))
        assert stored == list(range(stored[0], 9000))


async def test_what_a_sink_has_just_confirmed_is_not_named(tmp_path, monkeypatch):
    monkeypatch.setattr("gateway.store.commit_queue.LAZINESS_S", 3600.0)
    committed = asyncio.Event()
    store = Store.open(tmp_path, group_commit_ms=1, limits=SMALL)
    store.start(lambda _arrivals: committed.set(), lambda *_: None)
    store.register_sink("mqtt")
    for seq in range(6000):
        while not store.append(block(seq)):
            store.forget_delivered()
            await asyncio.sleep(0)
        if seq % 50 == 49:
            committed.clear()
            await committed.wait()
            store.move_cursor("mqtt", store.last_id())
    assert store.dropped["readings"] == 0
    assert store.stored < 6000
    await store.close()


async def test_after_the_drain_the_losses_are_those_that_were_named_and_the_file_is_small(tmp_path):
    async with opened(tmp_path, limits=SMALL) as bench:
        bench.store.register_sink("mqtt")
        await filled(bench, range(9000))
        [gap] = kept(bench)[1]
        newest = bench.store.read_after(0, 1_000_000)[-1].id
        bench.store.move_cursor("mqtt", newest)
        while bench.store.stored > FORGET_LEAST:
            bench.store.forget_delivered()
            await bench.store.flush()
    connection = apsw.Connection(str(tmp_path / "store.db"))
    losses = connection.execute("SELECT seq, next_seq, reason FROM loss").fetchall()
    connection.close()
    assert losses == [(0, gap.next_seq, "dropped_by_gateway")]
