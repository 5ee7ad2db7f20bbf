"""What sinks have delivered, and what is forgotten then."""

import pytest

from gateway.store import StoreError
from gateway.store.sink_cursors import RANGES_LIMIT
from gateway.store.store import FORGET_LEAST
from tests.gateway.store.bench import BOOT, UID, opened


async def test_cursors_are_known_at_once_and_kept(tmp_path):
    async with opened(tmp_path) as bench:
        bench.store.register_sink("mqtt")
        assert (bench.store.cursor("mqtt"), bench.store.waiting_for("mqtt")) == (0, 0)
        await bench.fill(range(10))
        assert bench.store.waiting_for("mqtt") == 10
        bench.store.move_cursor("mqtt", 4)
        bench.store.move_cursor("mqtt", 3)
        assert (bench.store.cursor("mqtt"), bench.store.waiting_for("mqtt")) == (4, 6)
        with pytest.raises(StoreError, match="other: not registered"):
            bench.store.move_cursor("other", 3)
    async with opened(tmp_path) as bench:
        bench.store.register_sink("mqtt")
        assert bench.store.sinks() == {"mqtt": 4}
        bench.store.remove_sink("mqtt")
        await bench.store.flush()
    async with opened(tmp_path) as bench:
        assert bench.store.sinks() == {}


async def test_a_cursor_never_passes_what_is_stored(tmp_path):
    async with opened(tmp_path) as bench:
        bench.store.register_sink("mqtt")
        await bench.fill(range(3))
        bench.store.move_cursor("mqtt", 1000)
    async with opened(tmp_path) as bench:
        assert bench.store.cursor("mqtt") == 3


async def test_only_what_every_sink_has_delivered_is_forgotten(tmp_path):
    count = 3 * FORGET_LEAST
    async with opened(tmp_path) as bench:
        await bench.fill(range(count))
        bench.store.forget_delivered()
        await bench.store.flush()
        assert bench.store.stored == count  # without a sink, nothing is delivered
        bench.store.register_sink("slow")
        bench.store.register_sink("fast")
        bench.store.move_cursor("fast", count)
        bench.store.move_cursor("slow", 2 * FORGET_LEAST)
        await bench.store.flush()
        bench.store.forget_delivered()
        await bench.store.flush()
        assert bench.seqs() == list(range(2 * FORGET_LEAST, count))
        assert bench.store.waiting_for("slow") == FORGET_LEAST
        assert bench.store.next_seqs(UID) == {(BOOT, 1): count}


async def test_forgetting_goes_on_in_bounded_steps_until_it_is_done(tmp_path, monkeypatch):
    monkeypatch.setattr("gateway.store.work.FORGET_ROWS", 100)
    async with opened(tmp_path) as bench:
        bench.store.register_sink("mqtt")
        await bench.fill(range(1000))
        bench.store.move_cursor("mqtt", 1000)
        await bench.store.flush()
        before = bench.store.counts.commits
        bench.store.forget_delivered()
        while bench.store.stored > 1:
            await bench.store.flush()
        assert bench.store.counts.commits - before == 10


async def test_what_is_delivered_as_it_comes_leaves_a_file_that_does_not_grow(tmp_path):
    sizes = []
    async with opened(tmp_path) as bench:
        bench.store.register_sink("mqtt")
        for part in range(12):
            await bench.fill(range(part * 300, part * 300 + 300))
            bench.store.move_cursor("mqtt", (part + 1) * 300)
            await bench.store.flush()
            bench.store.forget_delivered()
            await bench.store.flush()
            bench.store._database.recover()
            sizes.append((tmp_path / "store.db").stat().st_size)
        assert bench.store.stored == 1
    assert max(sizes[2:]) <= sizes[1] * 1.2


async def test_an_id_is_never_used_twice(tmp_path):
    async with opened(tmp_path) as bench:
        bench.store.register_sink("mqtt")
        await bench.fill(range(100))
        bench.store.move_cursor("mqtt", 100)
        await bench.store.flush()
        bench.store.forget_delivered()
        await bench.store.flush()
        assert bench.store.stored == 1
    async with opened(tmp_path) as bench:
        await bench.fill([100])
        [stored] = bench.store.read_after(bench.store.cursor("mqtt"), 10)
        assert (stored.id, stored.seq) == (101, 100)


async def test_a_sink_that_is_registered_twice_keeps_its_cursor(tmp_path):
    async with opened(tmp_path) as bench:
        await bench.fill([0])
        bench.store.register_sink("mqtt")
        bench.store.move_cursor("mqtt", 1)
        bench.store.register_sink("mqtt")
    async with opened(tmp_path) as bench:
        assert bench.store.cursor("mqtt") == 1


async def test_ranges_above_the_cursor_are_known_at_once_and_kept(tmp_path):
    async with opened(tmp_path) as bench:
        bench.store.register_sink("mqtt")
        assert bench.store.ranges("mqtt") == []
        await bench.fill(range(100))
        bench.store.move_cursor("mqtt", 10, [(50, 60), (8, 12), (90, 90)])
        assert bench.store.ranges("mqtt") == [(11, 12), (50, 60), (90, 90)]
        assert bench.store.waiting_for("mqtt") == 90 - 2 - 11 - 1
    async with opened(tmp_path) as bench:
        assert bench.store.ranges("mqtt") == [(11, 12), (50, 60), (90, 90)]
        bench.store.move_cursor("mqtt", 70, [(90, 90), (95, 1000)])
    async with opened(tmp_path) as bench:
        assert bench.store.ranges("mqtt") == [(90, 90), (95, 100)]
        assert bench.store.ranges("other") == []
        bench.store.remove_sink("mqtt")
        await bench.store.flush()
        bench.store.register_sink("mqtt")
        assert bench.store.ranges("mqtt") == []
    async with opened(tmp_path) as bench:
        assert bench.store.ranges("mqtt") == []


async def test_of_too_many_ranges_the_lowest_are_kept(tmp_path):
    async with opened(tmp_path) as bench:
        bench.store.register_sink("mqtt")
        await bench.fill(range(3 * RANGES_LIMIT))
        ranges = [(id_, id_) for id_ in range(2, 3 * RANGES_LIMIT, 2)]
        bench.store.move_cursor("mqtt", 0, ranges)
        assert bench.store.ranges("mqtt") == ranges[:RANGES_LIMIT]
