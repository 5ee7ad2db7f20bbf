"""What is delivered goes, and for every stream it is known up to where, without a hole."""

import pytest

from gateway.store import small_rows, stretches
from gateway.store.losses import DAMAGED
from gateway.store.store import FORGET_LEAST
from gateway.store.stretches import Kind
from tests.gateway.store.bench import BOOT, OTHER, UID, change, opened, rows

COUNT = 2 * FORGET_LEAST
KEY = (UID, BOOT, 1)


async def deliver(bench, upto):
    bench.store.move_cursor("mqtt", upto)
    await bench.store.flush()
    bench.store.forget_delivered()
    await bench.store.flush()


def settled(directory):
    return {row[:3]: row[5] for row in rows(directory, small_rows.STREAM)}


async def test_a_stream_is_settled_up_to_what_went(tmp_path):
    async with opened(tmp_path) as bench:
        bench.store.register_sink("mqtt")
        await bench.fill(range(5, COUNT))
        await bench.fill(range(3), uid=OTHER)
        assert settled(tmp_path) == {KEY: 5, (OTHER, BOOT, 1): 0}
        await deliver(bench, COUNT - 10)
        assert settled(tmp_path) == {KEY: COUNT - 5, (OTHER, BOOT, 1): 0}
        assert bench.store.next_seqs(UID) == {(BOOT, 1): COUNT}
    assert rows(tmp_path, small_rows.LOSS) == []


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM record WHERE id BETWEEN 20 AND 29",
        "UPDATE record SET boot = boot + 1 WHERE id BETWEEN 20 AND 29",
        "UPDATE record SET seq = seq + 4096, next_seq = next_seq + 4096 WHERE id BETWEEN 20 AND 29",
        "UPDATE record SET next_seq = seq WHERE id BETWEEN 20 AND 29",
    ],
)
async def test_what_is_missing_when_its_neighbours_go_is_named_exactly(tmp_path, damage):
    async with opened(tmp_path) as bench:
        bench.store.register_sink("mqtt")
        await bench.fill(range(COUNT))
    change(tmp_path, damage)
    async with opened(tmp_path) as bench:
        await deliver(bench, COUNT)
        assert [(*each[3:5], each[5]) for each in rows(tmp_path, small_rows.LOSS)] == [(19, 29, DAMAGED)]
        gap = bench.store.read_after(COUNT, 10)
        assert [(each.kind, each.seq, each.next_seq) for each in gap] == [(5, 19, 29)]
        assert settled(tmp_path)[KEY] == COUNT - 1


async def test_what_is_salvaged_late_is_no_hole_and_neither_is_what_is_wanted(tmp_path):
    def salvaged(connection, _ledger):
        parts = {Kind.WANTED: [(4, 6)], Kind.LATE: [(0, 4)], Kind.SETTLED: []}
        stretches.keep(connection, KEY, parts)
        [row] = small_rows.STREAM.rows(connection)
        small_rows.STREAM.put(connection, [(*row[:3], 0, row[4], 0, *row[6:])])
        return False

    async with opened(tmp_path) as bench:
        bench.store.register_sink("mqtt")
        await bench.fill(range(6, COUNT))
        bench.store.put_work("salvage", salvaged)
        await bench.store.flush()
        await deliver(bench, COUNT - 6)
        assert rows(tmp_path, small_rows.LOSS) == []
        assert settled(tmp_path)[KEY] == 0
        assert sorted(row[3:6] for row in rows(tmp_path, small_rows.STRETCH)) == [
            (0, 4, Kind.LATE),
            (4, 6, Kind.WANTED),
            (6, COUNT - 1, Kind.SETTLED),
        ]


async def test_a_stream_gets_a_row_for_each_day_that_it_goes_on_in(tmp_path):
    day = 20_000
    async with opened(tmp_path, today=lambda: day) as bench:
        await bench.fill(range(3))
        await bench.fill(range(3, 5))
        day = 20_001
        await bench.fill(range(5, 7))
        await bench.fill([0], uid=OTHER)
    async with opened(tmp_path) as bench:
        await bench.fill([7])
        await bench.fill([8])
    assert [row[2:] for row in rows(tmp_path, small_rows.DAY)] == [
        (1, -1, 7),
        (1, 20_000, 0),
        (1, 20_001, 5),
        (1, 20_001, 0),
    ]
