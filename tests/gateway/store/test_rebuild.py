"""A store that is damaged is begun anew at once, and what can be read of it comes after."""

import random
import shutil
from pathlib import Path

import apsw
import pytest

from gateway.store import StoreError, quarantine, rebuild, salvage, small_rows
from gateway.store.losses import DAMAGED
from gateway.store.raw_pages import PAGE
from gateway.store.store import FORGET_LEAST
from tests.gateway.store.bench import BOOT, DESCRIPTOR, HASH, OTHER, UID, change, opened, rows
from tests.gateway.store.judge import account, settle

COUNT = 600


@pytest.fixture(autouse=True)
def salvage_is_quick(monkeypatch):
    monkeypatch.setattr(salvage, "REST_S", 0.001)
    monkeypatch.setattr("gateway.store.writer.RENEW_EVERY_S", 0.01)


async def filled(directory, *, delivered=0):
    """A store with three streams, two sinks and a descriptor. Gives what was acknowledged."""
    async with opened(directory) as bench:
        bench.store.register_sink("one")
        bench.store.register_sink("two")
        bench.store.put_descriptor(HASH, DESCRIPTOR)
        for part in range(0, COUNT, 100):
            bench.append(range(part, part + 100))
            bench.append(range(part // 2, part // 2 + 50), uid=OTHER)
            bench.append(range(part // 10, part // 10 + 10), uid=OTHER, stream=2)
            await bench.store.flush()
            if part in {0, 300}:
                bench.append(range(1), boot=BOOT + part + 1)
        bench.store.move_cursor("one", delivered)
        bench.store.move_cursor("two", max(delivered - 5, 0))
        await bench.store.flush()
        bench.store.forget_delivered()
        await bench.store.flush()
        assert bench.refusals == []
        return bench.acknowledged


def pages_of(path, kind, width=12):
    """Numbers of the pages of a kind of tree."""
    data = path.read_bytes()
    return [number for number in range(len(data) // PAGE) if number and data[number * PAGE] == kind]


def overwrite(path, offset, octets):
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(octets)


async def test_a_file_that_is_no_database_is_set_aside_and_the_store_works(tmp_path):
    (tmp_path / "store.db").write_bytes(b"not a database " * 1000)
    async with opened(tmp_path) as bench:
        await settle(bench)
        await bench.fill(range(3))
        assert bench.seqs() == [0, 1, 2]
    assert (tmp_path / "quarantine" / "1" / "store.db").read_bytes().startswith(b"not a database ")
    assert not quarantine.waiting(tmp_path)
    async with opened(tmp_path) as bench:
        assert bench.seqs() == [0, 1, 2]
        assert [result.records for result in bench.salvaged] == []


@pytest.mark.parametrize("place", [0, 16, 18, 28, 60, 100, 103, 105, 110])
async def test_with_a_wrong_header_nothing_is_lost(tmp_path, place):
    acknowledged = await filled(tmp_path)
    overwrite(tmp_path / "store.db", place, b"\xee\xee")
    found = await account(tmp_path, acknowledged)
    assert (found.wrong, found.unknown, found.missing, found.lost) == ([], [], set(), set())
    assert found.next_seqs[UID, BOOT, 1] == COUNT
    async with opened(tmp_path) as bench:
        assert bench.store.descriptor(HASH) == DESCRIPTOR
        assert set(bench.store.sinks()) == {"one", "two"}


async def test_what_stood_on_a_page_that_is_gone_is_named_and_the_rest_is_delivered(tmp_path):
    acknowledged = await filled(tmp_path)
    page = pages_of(tmp_path / "store.db", 13)[10]
    overwrite(tmp_path / "store.db", page * PAGE, bytes(PAGE))
    found = await account(tmp_path, acknowledged)
    assert (found.wrong, found.unknown, found.missing) == ([], [], set())
    assert 10 < len(found.lost) < 40
    assert found.named_and_there == set()
    assert found.untold == set()
    assert {row[5] for row in rows(tmp_path, small_rows.LOSS)} == {DAMAGED}


async def test_damage_that_is_met_while_it_runs_is_mended_without_a_restart(tmp_path):
    acknowledged = await filled(tmp_path)
    async with opened(tmp_path) as bench:
        await bench.store.flush()
        for page in pages_of(tmp_path / "store.db", 13)[-4:]:
            overwrite(tmp_path / "store.db", page * PAGE, b"\x00")
        with pytest.raises(StoreError) as error:
            bench.store.read_after(0, 10_000)
        assert error.value.reason == "corrupt"
        given = await settle(bench)
        assert bench.renewed == 1
        [result] = bench.salvaged
        assert (result.records, result.missing) == (len(acknowledged), 0)
        await bench.fill([COUNT])
    found = await account(tmp_path, acknowledged, given)
    assert (found.wrong, found.missing, found.lost) == ([], set(), set())


async def test_ids_go_on_above_all_that_a_sink_may_have_in_its_hands(tmp_path):
    await filled(tmp_path)
    async with opened(tmp_path) as bench:
        last = bench.store.read_after(0, 10_000)[-1].id
        overwrite(tmp_path / "store.db", pages_of(tmp_path / "store.db", 13)[-1] * PAGE, b"\x00")
        bench.store.put_work("damage", raising)
        given = await settle(bench)
        assert min(each.id for each in given) == last + 1


def raising(_connection, _ledger, told=[]):  # noqa: B006 - once
    if not told:
        told.append(True)
        raise StoreError("corrupt", "injected")
    return False


async def test_what_was_delivered_to_all_sinks_does_not_come_again(tmp_path):
    acknowledged = await filled(tmp_path, delivered=FORGET_LEAST - 10)
    overwrite(tmp_path / "store.db", 0, b"\xee")
    async with opened(tmp_path) as bench:
        given = await settle(bench)
        assert len(given) == len(acknowledged) - (FORGET_LEAST - 15)
        first = given[0].id
        assert bench.store.waiting_for("one") == bench.store.stored == len(given)
        bench.store.move_cursor("one", given[-1].id)
        bench.store.move_cursor("two", given[-1].id)
        await bench.store.flush()
        bench.store.forget_delivered()
        await bench.store.flush()
        assert bench.store.stored == 1
        assert first > FORGET_LEAST - 10
    assert rows(tmp_path, small_rows.LOSS) == []
    [stream] = [row for row in rows(tmp_path, small_rows.STREAM) if row[:3] == (UID, BOOT, 1)]
    assert stream[5] >= COUNT - 100  # but for the row that stays


@pytest.mark.parametrize("table", ["stream", "sink", "loss", "day", "descriptor"])
async def test_a_small_table_that_is_damaged_costs_no_record(tmp_path, table):
    acknowledged = await filled(tmp_path, delivered=FORGET_LEAST - 10)
    connection = apsw.Connection(str(tmp_path / "store.db"))
    root = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (table,)).get
    connection.close()
    overwrite(tmp_path / "store.db", (root - 1) * PAGE, bytes(PAGE))
    found = await account(tmp_path, acknowledged[FORGET_LEAST:])
    assert (found.wrong, found.missing, found.lost) == ([], set(), set())
    assert found.next_seqs[UID, BOOT, 1] == COUNT
    assert found.next_seqs[OTHER, BOOT, 2] == COUNT // 10


class PowerCut(Exception):
    pass


@pytest.mark.parametrize("moment", range(10))
async def test_a_power_cut_while_it_is_set_aside_is_gone_on_from(tmp_path, monkeypatch, moment):
    acknowledged = await filled(tmp_path)
    overwrite(tmp_path / "store.db", 0, b"\xee")
    steps = moment

    def step(original):
        def stepping(*arguments, **options):
            nonlocal steps
            if steps == 0:
                raise PowerCut
            steps -= 1
            return original(*arguments, **options)

        return stepping

    with monkeypatch.context() as patch:
        for owner, name in ((Path, "rename"), (Path, "touch"), (quarantine, "_sync")):
            patch.setattr(owner, name, step(getattr(owner, name)))
        patch.setattr(rebuild, "_put", step(rebuild._put))
        try:
            async with opened(tmp_path) as bench:
                await settle(bench)
        except PowerCut:
            pass
    found = await account(tmp_path, acknowledged)
    assert (found.wrong, found.missing, found.lost) == ([], set(), set())
    assert found.next_seqs[UID, BOOT, 1] == COUNT


@pytest.mark.parametrize("seed", range(6))
async def test_a_salvage_that_is_interrupted_goes_on_and_names_nothing_that_it_finds(
    tmp_path, monkeypatch, seed
):
    monkeypatch.setattr(salvage, "TAKEN_AT_ONCE", 20)
    chance = random.Random(seed)
    acknowledged = await filled(tmp_path)
    overwrite(tmp_path / "store.db", 0, b"\xee")
    given = []
    for _ in range(4):
        async with opened(tmp_path) as bench:
            for _ in range(chance.randrange(12)):
                await bench.store.flush()
            given += bench.store.read_after(0, 10_000)
            if given and chance.random() < 0.5:
                for sink in ("one", "two"):
                    bench.store.move_cursor(sink, given[-1].id)
                await bench.store.flush()
                bench.store.forget_delivered()
                await bench.store.flush()
        if chance.random() < 0.3:  # damaged again, meanwhile
            overwrite(tmp_path / "store.db", 0, b"\xee")
    found = await account(tmp_path, acknowledged, given)
    assert (found.wrong, found.missing, found.lost) == ([], set(), set())
    assert rows(tmp_path, small_rows.STRETCH) == [] or {
        row[5] for row in rows(tmp_path, small_rows.STRETCH)
    } <= {2, 3}


async def test_what_is_salvaged_comes_in_the_order_in_which_it_was_stored(tmp_path):
    await filled(tmp_path)
    overwrite(tmp_path / "store.db", 0, b"\xee")
    async with opened(tmp_path) as bench:
        given = [each.seq for each in await settle(bench) if each[:3] == (UID, BOOT, 1)]
    assert given == list(range(COUNT))


async def test_salvaged_stores_do_not_fill_the_disk(tmp_path):
    for number in range(quarantine.KEPT + 2):
        async with opened(tmp_path) as bench:
            await bench.fill([number])
            await settle(bench)
        overwrite(tmp_path / "store.db", 0, b"\xee")
    async with opened(tmp_path) as bench:
        await settle(bench)
    kept = [each for each in quarantine.kept(tmp_path) if (each / "store.db").exists()]
    assert len(kept) == quarantine.KEPT


async def test_a_disk_that_damages_all_is_not_filled_with_damaged_stores(tmp_path, monkeypatch):
    monkeypatch.setattr(rebuild, "FOLDERS_LIMIT", 2)
    for number in range(1, 3):
        (tmp_path / "quarantine" / str(number)).mkdir(parents=True)
        (tmp_path / "quarantine" / str(number) / "to-be-salvaged").touch()
    (tmp_path / "store.db").write_bytes(b"not a database " * 1000)
    with pytest.raises(StoreError, match="2 damaged stores wait for salvage"):
        async with opened(tmp_path):
            pass
    shutil.rmtree(tmp_path / "quarantine")
    async with opened(tmp_path):
        pass


@pytest.mark.parametrize("change_of", ["sink SET cursor = 300", "stream SET next_seq = next_seq + 256"])
async def test_a_small_row_that_is_not_as_it_was_written_is_not_believed(tmp_path, change_of):
    acknowledged = await filled(tmp_path)
    change(tmp_path, f"UPDATE {change_of}")
    found = await account(tmp_path, acknowledged)
    assert (found.wrong, found.missing, found.lost) == ([], set(), set())
    assert found.next_seqs[UID, BOOT, 1] == COUNT
    async with opened(tmp_path) as bench:
        assert bench.store.waiting_for("one") == len(acknowledged)
