"""The file shrinks, the reserve is kept, and what is written is counted."""

import pytest

from gateway.store import UNKNOWN_DAY, vacuum
from gateway.store.database import WAL_OCTETS_KEPT
from gateway.store.rate import LEAST_S, SPAN_S, STEP_S, Rate
from gateway.store.reserve import RESERVE_OCTETS, Reserve
from gateway.store.room import Limits
from tests.gateway.store.bench import opened


async def settled(bench, seconds=400):
    """As after so many seconds of housekeeping."""
    for _ in range(seconds):
        bench.store.forget_delivered()
        await bench.store.flush()
        if bench.store.stored <= 64 and not vacuum.worthwhile(bench.store.usage().room):
            break
    for _ in range(3):  # the last step, the checkpoint behind it
        bench.store.forget_delivered()
        await bench.store.flush()


def octets(directory, name):
    return (directory / name).stat().st_size


async def test_a_drained_store_gives_its_octets_back_to_the_disk(tmp_path):
    async with opened(tmp_path) as bench:
        bench.store.register_sink("mqtt")
        for first in range(0, 24_000, 2000):
            await bench.fill(range(first, first + 2000), octets=1000)
        bench.store.move_cursor("mqtt", 24_000)
        await settled(bench)
        assert octets(tmp_path, "store.db") <= vacuum.SHRUNK_OCTETS
        assert octets(tmp_path, "store.db-wal") <= WAL_OCTETS_KEPT
        await bench.fill(range(24_000, 24_100))
        assert bench.seqs()[-100:] == list(range(24_000, 24_100))


async def test_holes_that_are_soon_filled_again_stay(tmp_path):
    async with opened(tmp_path) as bench:
        bench.store.register_sink("mqtt")
        await bench.fill(range(2000), octets=1000)
        await bench.fill(range(2000, 4000), octets=1000)
        bench.store.move_cursor("mqtt", 1500)
        await settled(bench, 20)
        room = bench.store.usage().room
        assert 1_000_000 < room.unused_octets <= vacuum.KEPT_OCTETS


async def test_octets_are_counted_by_day_over_restarts(tmp_path):
    day = 20_000
    counts = []
    for _ in range(2):
        async with opened(tmp_path, today=lambda: day) as bench:
            await bench.fill(range(len(counts) * 100, len(counts) * 100 + 100))
            counts.append(bench.store.usage().written_today)
            assert bench.store.octets_written > 10_000
    assert counts[1] > counts[0] + 10_000
    day += 1
    async with opened(tmp_path, today=lambda: day) as bench:
        usage = bench.store.usage()
        assert usage.written_yesterday >= counts[1]
        assert usage.written_today < counts[0]


async def test_octets_of_an_unknown_day_count_for_the_first_that_is_known(tmp_path):
    async with opened(tmp_path, today=lambda: UNKNOWN_DAY) as bench:
        await bench.fill(range(100))
        usage = bench.store.usage()
        assert (usage.written_today, usage.written_yesterday) == (None, None)
        written = bench.store.octets_written
    async with opened(tmp_path, today=lambda: 20_000) as bench:
        await bench.fill(range(100, 200))
    async with opened(tmp_path, today=lambda: 20_000) as bench:
        assert bench.store.usage().written_today > written + 20_000


async def test_the_reserve_is_made_where_there_is_room_and_given_up_once(tmp_path):
    async with opened(tmp_path) as bench:
        bench.store.forget_delivered()
        await bench.store.flush()
        assert octets(tmp_path, "reserve") == RESERVE_OCTETS
    reserve = Reserve(tmp_path)
    assert not reserve.make()
    assert reserve.give_up()
    assert not reserve.give_up()
    async with opened(tmp_path, limits=Limits(floor_octets=1 << 60)) as bench:
        bench.store.forget_delivered()
        await bench.store.flush()
        assert not reserve.kept


def test_a_rate_is_that_of_the_last_hour():
    rate = Rate()
    assert rate.per_s() is None
    rate.note(0.0, 1000)
    rate.note(LEAST_S - 1, 1500)
    assert rate.per_s() is None
    rate.note(LEAST_S, 1600)
    assert rate.per_s() == pytest.approx(10.0)
    for second in range(int(LEAST_S), 3 * int(SPAN_S), int(STEP_S)):
        rate.note(float(second), 1600)
    assert rate.per_s() == 0.0


async def test_how_long_the_room_lasts_follows_from_the_rate(tmp_path, monkeypatch):
    now_s = 1000.0
    monkeypatch.setattr("gateway.store.upkeep.monotonic", lambda: now_s)
    async with opened(tmp_path, limits=Limits(max_octets=WAL_OCTETS_KEPT + (100 << 20))) as bench:
        bench.store.forget_delivered()
        assert bench.store.usage().lasts_s is None
        await bench.fill(range(1000), octets=1000)
        now_s += 1000
        bench.store.forget_delivered()
        # 1064 octets a second into nearly 100 MiB.
        assert bench.store.usage().lasts_s == pytest.approx(98_000, rel=0.03)
