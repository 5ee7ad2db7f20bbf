"""A row that is not as it was written is never given out."""

import pytest

from tests.gateway.store.bench import change, opened


@pytest.mark.parametrize(
    "damage",
    [
        "message = CAST(substr(message, 1, 20) || x'00' || substr(message, 22) AS BLOB)",
        "seq = 77",
        "arrived_ns = arrived_ns + 1",
        "descriptor = x'0000000000000000'",
        "uid = 'text'",
        "boot = 'text'",
        "message = CAST(x'ff' AS TEXT)",
    ],
)
async def test_a_damaged_row_is_told_once_and_the_rest_is_delivered(tmp_path, damage):
    async with opened(tmp_path) as bench:
        await bench.fill(range(5))
    change(tmp_path, f"UPDATE record SET {damage} WHERE id = 3")
    async with opened(tmp_path) as bench:
        assert bench.seqs() == [0, 1, 3, 4]
        assert bench.store.read_after(2, 1)[0].seq == 3
        assert [each.id for each in bench.damaged] == [3]
        assert bench.store.damaged == 1


async def test_records_behind_many_damaged_ones_are_found(tmp_path):
    async with opened(tmp_path) as bench:
        await bench.fill(range(50))
    change(tmp_path, "UPDATE record SET kind = 9 WHERE id < 50")
    async with opened(tmp_path) as bench:
        assert [each.seq for each in bench.store.read_after(0, 10)] == [49]
        assert len(bench.damaged) == 49
        change(tmp_path, "UPDATE record SET kind = 9")
        assert bench.store.read_after(0, 10) == []
