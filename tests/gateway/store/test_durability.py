"""Acknowledged means on the platter: failing syncs, killed agents and power cuts."""

import time

import apsw
import pytest

from gateway.store import Store, StoreError, StoreState
from gateway.store.database import require_durable
from gateway.store.records import MESSAGE_LIMIT
from tests.gateway.store.bench import BOOT, OTHER, UID, Bench, arrival, opened
from tests.gateway.store.faulty_disk import FaultyDisk


@pytest.fixture
def disk():
    disk = FaultyDisk()
    yield disk
    disk.unregister()


async def survivors_of_a_power_cut(disk, directory):
    """The seqs in the store after the power was cut while it was open."""
    after = directory.with_name(f"{directory.name}-after")
    disk.cut_power(directory, after)
    async with opened(after) as bench:
        return bench.seqs()


async def kill_at_a_failed_sync_then_cut_the_power(disk, tmp_path):
    """The way to lose what was acknowledged: (acknowledged seqs, seqs that survived)."""
    disk.at_fault = lambda: disk.kill(tmp_path / "first", tmp_path / "second")
    async with opened(tmp_path / "first", vfs=disk.name) as first:
        await first.fill(range(5))
        acknowledged = [each.seq for each in first.acknowledged]
        disk.failing_syncs = 1
        await first.fill([5])
        assert len(first.refusals) == 1
    disk.at_fault = None
    async with opened(tmp_path / "second", vfs=disk.name) as second:
        begin = second.store.next_seqs(UID)[BOOT, 1]
        for seq in range(begin, begin + 20):
            await second.fill([seq])
        acknowledged += [each.seq for each in second.acknowledged]
        assert len(acknowledged) == 25
        return acknowledged, await survivors_of_a_power_cut(disk, tmp_path / "second")


async def test_what_was_acknowledged_survives_a_failed_sync_a_kill_and_a_power_cut(disk, tmp_path):
    acknowledged, survived = await kill_at_a_failed_sync_then_cut_the_power(disk, tmp_path)
    assert set(acknowledged) <= set(survived)
    assert survived == list(range(len(survived)))


async def test_without_the_checkpoint_at_open_it_would_be_lost(disk, tmp_path, monkeypatch):
    """Negative control: the test above can fail."""
    monkeypatch.setattr("gateway.store.database.Database.recover", lambda _self: None)
    monkeypatch.setattr("gateway.store.wal_tail._pages", lambda *_: [])
    acknowledged, survived = await kill_at_a_failed_sync_then_cut_the_power(disk, tmp_path)
    assert set(acknowledged) - set(survived) == set(acknowledged[5:])


async def test_what_was_acknowledged_survives_a_power_cut(disk, tmp_path):
    async with opened(tmp_path / "store", vfs=disk.name) as bench:
        for seq in range(30):
            await bench.fill([seq])
        assert len(bench.acknowledged) == 30
        assert await survivors_of_a_power_cut(disk, tmp_path / "store") == list(range(30))


async def test_with_synchronous_normal_it_would_be_lost(disk, tmp_path, monkeypatch):
    """Negative control: the power cut of these tests takes what was not synced."""
    monkeypatch.setattr("gateway.store.database.FULL", 1)
    async with opened(tmp_path / "store", vfs=disk.name) as bench:
        await bench.fill(range(30))
        assert len(bench.acknowledged) == 30
        assert await survivors_of_a_power_cut(disk, tmp_path / "store") == []


async def test_a_failed_commit_is_refused_and_the_store_recovers(disk, tmp_path, caplog):
    async with opened(tmp_path / "store", vfs=disk.name) as bench:
        bench.store.register_sink("mqtt")
        await bench.fill(range(3))
        disk.failing_syncs = 1
        bench.store.move_cursor("mqtt", 2)
        await bench.fill([3, 4])
        [(refused, error)] = bench.refusals
        assert [each.seq for each in refused] == [3, 4]
        assert error.reason == "io"
        while bench.store.state is not StoreState.OPEN:
            await bench.store.flush()
        await bench.fill([3, 4, 5])
        assert [each.seq for each in bench.acknowledged] == [0, 1, 2, 3, 4, 5]
        assert await survivors_of_a_power_cut(disk, tmp_path / "store") == [0, 1, 2, 3, 4, 5]
    assert len(bench.refusals) == 1
    warnings = [each for each in caplog.records if each.levelname == "WARNING"]
    assert len(warnings) == 1
    async with opened(tmp_path / "store") as again:
        assert again.store.cursor("mqtt") == 2


async def test_while_nothing_can_be_synced_nothing_is_taken_and_reading_goes_on(disk, tmp_path):
    async with opened(tmp_path / "store", vfs=disk.name) as bench:
        await bench.fill(range(3))
        disk.failing_syncs = -1
        await bench.fill([3])
        for _ in range(5):
            assert not bench.store.append(arrival(3))
            await bench.store.flush()
        assert bench.store.state is StoreState.DEGRADED
        assert bench.store.detail.startswith("io: ")
        assert bench.seqs() == [0, 1, 2]
        assert len(bench.acknowledged) == 3
        disk.failing_syncs = 0
        while not bench.store.append(arrival(3)):
            await bench.store.flush()
        await bench.store.flush()
        assert bench.seqs() == [0, 1, 2, 3]


async def test_a_full_disk_is_a_refusal_with_its_name_and_ends_when_there_is_room(disk, tmp_path):
    async with opened(tmp_path / "store", vfs=disk.name) as bench:
        await bench.fill(range(3))
        disk.full = True
        await bench.fill([3])
        assert bench.refusals[0][1].reason == "full"
        disk.full = False
        while not bench.store.append(arrival(3)):
            await bench.store.flush()
        await bench.store.flush()
        assert bench.seqs() == [0, 1, 2, 3]


async def test_a_store_whose_first_checkpoint_fails_opens_degraded_and_acknowledges_nothing(disk, tmp_path):
    disk.at_fault = lambda: disk.kill(tmp_path / "first", tmp_path / "second")
    async with opened(tmp_path / "first", vfs=disk.name) as bench:
        await bench.fill(range(3))
        disk.failing_syncs = 1
        await bench.fill([3])
    disk.at_fault = None
    disk.failing_syncs = -1
    async with opened(tmp_path / "second", vfs=disk.name) as bench:
        with pytest.raises(StoreError, match="not known to be on the disk yet"):
            bench.store.next_seqs(UID)
        bench.store.append(arrival(3))
        await bench.store.flush()
        assert bench.store.state is StoreState.DEGRADED
        assert bench.acknowledged == []
        assert bench.seqs()[:3] == [0, 1, 2]


async def test_closing_a_degraded_store_refuses_what_waits(disk, tmp_path):
    bench = Bench(tmp_path / "store", vfs=disk.name, group_commit_ms=250)
    await bench.fill([0])
    disk.failing_syncs = -1
    bench.append([1, 2])
    await bench.store.close()
    assert [each.seq for arrivals, _error in bench.refusals for each in arrivals] == [1, 2]
    assert len(bench.acknowledged) == 1


async def test_a_wal_of_its_size_is_checkpointed_and_a_failure_there_degrades(disk, tmp_path, monkeypatch):
    monkeypatch.setattr("gateway.store.database.WAL_PAGES", 8)
    async with opened(tmp_path, vfs=disk.name) as bench:
        wal = tmp_path / "store.db-wal"
        for seq in range(50):
            await bench.fill([seq])
        assert wal.stat().st_size < 40 * 4096
        monkeypatch.setattr(bench.store._database, "checkpoint_if_due", failing_checkpoint)
        await bench.fill([50])
        while not bench.store.counts.failures:
            await bench.store.flush()
        assert [each.seq for each in bench.acknowledged] == list(range(51))
        assert bench.refusals == []


def failing_checkpoint():
    raise apsw.IOError("injected")


def test_a_file_layer_without_a_wal_is_refused_by_name(tmp_path):
    with pytest.raises(StoreError, match="journal_mode is delete, not wal") as error:
        Store.open(tmp_path, vfs="unix-dotfile")
    assert error.value.reason == "pragma"


def test_a_connection_that_does_not_sync_every_commit_is_refused_by_name(tmp_path):
    connection = apsw.Connection(str(tmp_path / "x.db"))
    connection.pragma("journal_mode", "wal")
    require_durable(connection)
    connection.pragma("synchronous", 1)
    with pytest.raises(StoreError, match="synchronous is 1, not 2"):
        require_durable(connection)
    connection.close()


def wait_without_the_loop(condition):
    """The event loop is busy meanwhile, and told of nothing."""
    give_up_s = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < give_up_s
        time.sleep(0.001)


async def test_after_an_error_nothing_is_taken_before_the_loop_knows_what_was_refused(disk, tmp_path):
    """Of a new stream the store takes any seq: the one behind a refused record must not be its first."""
    async with opened(tmp_path / "store", vfs=disk.name) as bench:
        await bench.store.flush()
        disk.failing_syncs = 1
        bench.append([0])
        wait_without_the_loop(lambda: bench.store.counts.failures and bench.store.state is StoreState.OPEN)
        assert not bench.store.append(arrival(1))
        await bench.store.flush()
        assert [each.seq for arrivals, _error in bench.refusals for each in arrivals] == [0]
        await bench.fill([0, 1])
        assert bench.seqs() == [0, 1]


async def test_behind_a_wrong_seq_its_stream_is_not_taken_before_the_loop_knows_of_it(tmp_path):
    async with opened(tmp_path / "store") as bench:
        too_long = arrival(0, octets=MESSAGE_LIMIT + 1)
        bench.store.append(too_long)
        bench.append([0], uid=OTHER)
        wait_without_the_loop(lambda: bench.store.counts.refused)
        assert not bench.store.append(arrival(1))
        bench.append([1], uid=OTHER)
        await bench.store.flush()
        assert [arrivals for arrivals, _error in bench.refusals] == [[too_long]]
        await bench.fill([0, 1])
        assert bench.seqs() == [0, 1, 0, 1]
