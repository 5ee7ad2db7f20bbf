"""A row that is not as it was written is never given out; what it held is named as lost, exactly."""

import json

import pytest

from gateway.store import StoreError, damage, small_rows, work
from gateway.store.losses import DAMAGED, NO_TIME
from gateway.store.store import FORGET_LEAST
from tests.gateway.store.bench import BOOT, HASH, OTHER, UID, arrival, block, change, opened, rows
from wire import cbor, up


def named(directory):
    return [(*row[:1], *row[3:]) for row in rows(directory, small_rows.LOSS)]


@pytest.mark.parametrize(
    "flaw",
    [
        "message = CAST(substr(message, 1, 20) || x'00' || substr(message, 22) AS BLOB)",
        "seq = 77",
        "next_seq = next_seq + 64",
        "arrived_ns = arrived_ns + 1",
        "descriptor = x'0000000000000000'",
        "uid = 'text'",
        "boot = 'text'",
        "message = CAST(x'ff' AS TEXT)",
        "kind = 5",
    ],
)
async def test_a_damaged_row_is_told_once_and_named_and_the_rest_is_delivered(tmp_path, flaw):
    async with opened(tmp_path) as bench:
        await bench.fill(range(5))
    change(tmp_path, f"UPDATE record SET {flaw} WHERE id = 3")
    async with opened(tmp_path) as bench:
        assert bench.seqs() == [0, 1, 3, 4]
        assert bench.store.read_after(2, 1)[0].seq == 3
        assert [each.id for each in bench.damaged] == [3]
        assert bench.store.damaged == 1
        await bench.store.flush()
        [gap] = bench.store.read_after(5, 10)
        message = up.decode(gap.message)
        assert (gap.id, message.seq, message.next_seq, message.reason) == (6, 2, 3, DAMAGED)
        assert bench.store.stored == 5
    assert named(tmp_path) == [(UID, 2, 3, DAMAGED)]
    [kept] = (tmp_path / "quarantine" / "rows.jsonl").read_text().splitlines()
    assert json.loads(kept)[0] == 3
    async with opened(tmp_path) as bench:
        assert bench.seqs() == [0, 1, 3, 4, 2]
        assert bench.damaged == []


async def test_the_loss_is_that_of_the_stream_whose_seqs_are_missing(tmp_path):
    """Whatever the damaged row says of itself."""
    async with opened(tmp_path) as bench:
        for seq in range(6):
            await bench.fill([seq])
            await bench.fill([seq], uid=OTHER)
    change(tmp_path, f"UPDATE record SET uid = x'{UID.hex()}' WHERE id = 6")
    async with opened(tmp_path) as bench:
        assert len(bench.seqs()) == 11
    assert named(tmp_path) == [(OTHER, 2, 3, DAMAGED)]


async def test_the_last_record_of_a_stream_is_missed_too(tmp_path):
    async with opened(tmp_path) as bench:
        await bench.fill(range(5))
        await bench.fill(range(3), uid=OTHER)
    change(tmp_path, "UPDATE record SET arrived_ns = 0 WHERE id IN (5, 8)")
    async with opened(tmp_path) as bench:
        assert bench.seqs() == [0, 1, 2, 3, 0, 1]
        await bench.store.flush()
        await bench.fill([5])
    assert named(tmp_path) == [(UID, 4, 5, DAMAGED), (OTHER, 2, 3, DAMAGED)]


async def test_a_loss_spans_the_time_between_its_neighbours(tmp_path):
    async with opened(tmp_path) as bench:
        for seq in range(4):
            bench.store.append(block(seq, t_first=1000 * seq, span=300))
        await bench.store.flush()
    change(tmp_path, "UPDATE record SET host_boot = 9 WHERE id IN (2, 3)")
    async with opened(tmp_path) as bench:
        assert bench.seqs() == [0, 3]
        await bench.store.flush()
        [gap] = bench.store.read_after(4, 10)
        message = up.decode(gap.message)
        assert (message.seq, message.next_seq, message.t_first, message.span) == (1, 3, 300, 2700)
        assert (gap.descriptor, gap.host_boot) == (HASH, 1)


async def test_a_loss_behind_which_nothing_came_tells_no_time(tmp_path):
    async with opened(tmp_path) as bench:
        for seq in range(4):
            bench.store.append(block(seq, t_first=1000 * seq, span=300))
        await bench.store.flush()
        await bench.fill([0], uid=OTHER)
    change(tmp_path, "UPDATE record SET host_boot = 9 WHERE id = 4")
    async with opened(tmp_path) as bench:
        assert bench.seqs() == [0, 1, 2, 0]
        await bench.store.flush()
        [gap] = bench.store.read_after(5, 10)
        message = up.decode(gap.message)
        assert (message.seq, message.next_seq) == (3, 4)
        assert (message.t_first, message.span) == NO_TIME


async def test_a_gap_that_is_damaged_before_a_sink_has_it_is_told_again(tmp_path):
    message = up.Gap(BOOT, 1, 1, 4, "queue_full", 1000, 900).encode(cbor.Encoder(64))
    gap = arrival(1, next_seq=4)._replace(kind=up.Gap.TYPE, message=message)
    async with opened(tmp_path) as bench:
        await bench.fill([0])
        assert bench.store.append(gap)
        await bench.fill([4, 5])
    change(tmp_path, "UPDATE record SET arrived_ns = 9 WHERE id IN (2, 3)")
    async with opened(tmp_path) as bench:
        assert bench.seqs() == [0, 5]
        await bench.store.flush()
        told = [up.decode(each.message) for each in bench.store.read_after(4, 10)]
        assert [(each.seq, each.next_seq, each.reason) for each in told] == [
            (4, 5, DAMAGED),
            (1, 4, "queue_full"),
        ]
    assert [row[3:6] for row in rows(tmp_path, small_rows.LOSS)] == [(1, 4, "queue_full"), (4, 5, DAMAGED)]


async def test_records_behind_many_damaged_ones_are_found(tmp_path):
    async with opened(tmp_path) as bench:
        await bench.fill(range(50))
    change(tmp_path, "UPDATE record SET kind = 9 WHERE id < 50")
    async with opened(tmp_path) as bench:
        assert [each.seq for each in bench.store.read_after(0, 10)] == [49]
        assert len(bench.damaged) == 49
        change(tmp_path, "UPDATE record SET kind = 9")
        assert bench.store.read_after(0, 10) == []
        await bench.store.flush()
        assert [(each.seq, each.next_seq) for each in bench.store.read_after(0, 10)] == [(0, 50)]
    assert named(tmp_path) == [(UID, 0, 50, DAMAGED)]


async def test_what_a_sink_skipped_as_damaged_is_named_before_it_is_forgotten(tmp_path):
    count = 2 * FORGET_LEAST
    async with opened(tmp_path) as bench:
        bench.store.register_sink("mqtt")
        await bench.fill(range(count))
    change(tmp_path, "UPDATE record SET arrived_ns = 0 WHERE id = 9")
    async with opened(tmp_path) as bench:
        assert len(bench.store.read_after(0, count)) == count - 1
        bench.store.move_cursor("mqtt", count)
        bench.store.forget_delivered()
        await bench.store.flush()
        bench.store.forget_delivered()
        await bench.store.flush()
        assert [(each.seq, each.next_seq) for each in bench.store.read_after(count, 10)] == [(8, 9)]
    assert named(tmp_path) == [(UID, 8, 9, DAMAGED)]


async def test_of_damaged_rows_a_bounded_part_is_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(damage, "ROWS_LIMIT_OCTETS", 1000)
    async with opened(tmp_path) as bench:
        await bench.fill(range(50))
    change(tmp_path, "UPDATE record SET kind = 9")
    async with opened(tmp_path) as bench:
        assert bench.seqs() == []
    assert 1000 < (tmp_path / "quarantine" / "rows.jsonl").stat().st_size < 2000


async def test_a_record_that_vanished_from_the_table_is_noticed(tmp_path):
    async with opened(tmp_path) as bench:
        await bench.fill(range(50))
        change(tmp_path, "DELETE FROM record WHERE id = 30")
        assert len(bench.store.read_after(0, 20)) == 20
        with pytest.raises(StoreError, match="missing between ids 21 and 50") as error:
            bench.store.read_after(20, 100)
        assert error.value.reason == "corrupt"
        with pytest.raises(StoreError, match="missing"):
            bench.store.read_after(29, 2)


async def test_a_record_with_anothers_id_is_noticed(tmp_path):
    async with opened(tmp_path) as bench:
        await bench.fill(range(50))
        change(tmp_path, "UPDATE record SET id = 60 WHERE id = 30")
        with pytest.raises(StoreError, match="missing"):
            bench.store.read_after(0, 100)


async def test_boot_and_number_of_a_node_are_not_needed_to_name_its_losses(tmp_path):
    async with opened(tmp_path) as bench:
        await bench.fill(range(3))
        await bench.fill(range(4), boot=BOOT + 1)
    change(tmp_path, "UPDATE record SET boot = 1, stream = 0 WHERE id = 5")
    async with opened(tmp_path) as bench:
        bench.seqs()
    assert rows(tmp_path, small_rows.LOSS) == [(UID, BOOT + 1, 1, 1, 2, DAMAGED)]


async def test_a_record_under_anothers_id_is_damaged_even_where_no_id_is_missing(tmp_path):
    async with opened(tmp_path) as bench:
        await bench.fill(range(20))
    for old, new in ((10, -1), (11, 10), (-1, 11)):
        change(tmp_path, f"UPDATE record SET id = {new} WHERE id = {old}")
    async with opened(tmp_path) as bench:
        assert 9 not in bench.seqs()
        assert [each.id for each in bench.damaged] == [10, 11]
    assert named(tmp_path) == [(UID, 9, 11, DAMAGED)]


async def test_what_is_mended_and_forgotten_in_one_commit_is_named(tmp_path):
    async with opened(tmp_path) as bench:
        bench.store.register_sink("mqtt")
        await bench.fill(range(300))
        bench.store.move_cursor("mqtt", 100)
    change(tmp_path, "UPDATE record SET arrived_ns = 0 WHERE id = 150")
    async with opened(tmp_path, group_commit_ms=250) as bench:
        await bench.store.flush()
        bench.store.read_after(100, 1000)
        bench.store.put_work("cursor", work.move_cursor("mqtt", 200, ()))
        bench.store.forget_delivered()
        bench.store.read_after(100, 1000)
        await bench.store.flush()
        assert bench.store.read_after(0, 1)[0].id == 201
    assert named(tmp_path) == [(UID, 149, 150, DAMAGED)]
