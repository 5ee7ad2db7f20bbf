"""`fieldgate store check` and `salvage`, beside the agent and without it."""

import asyncio
import json
import shutil

import apsw
import pytest
from click.testing import CliRunner

from gateway.commands.store import store
from gateway.store import small_rows
from gateway.store.checking import check
from tests.gateway.store.bench import HASH, change, opened, rows
from tests.gateway.store.judge import settle
from tests.gateway.store.test_rebuild import COUNT, filled, overwrite, pages_of
from wire import up

CONFIG = '[gateway]\nname = "gw"\nstate_directory = "{directory}"\n[[port]]\nglob = "/dev/ttyUSB*"\n'


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "fieldgate.toml"
    path.write_text(CONFIG.format(directory=tmp_path / "state"))
    return str(path)


def run(*arguments):
    return CliRunner().invoke(store, arguments, catch_exceptions=False)


async def test_a_sound_store_has_no_findings_beside_its_agent(tmp_path):
    acknowledged = await filled(tmp_path)
    async with opened(tmp_path) as bench:
        await bench.fill([COUNT])
        found = check(tmp_path / "store.db")
        assert (found.records, found.findings) == (len(acknowledged) + 1, ())


@pytest.mark.parametrize(
    ("damage", "kinds"),
    [
        ("UPDATE record SET arrived_ns = 1 WHERE id = 40", {"record"}),
        ("DELETE FROM record WHERE id = 40", {"missing", "hole"}),
        ("UPDATE stream SET next_seq = next_seq + 1", {"row"}),
        ("UPDATE sink SET cursor = 7", {"row"}),
        (f"UPDATE descriptor SET body = x'00' WHERE hash = x'{HASH.hex()}'", {"descriptor"}),
        ("CREATE TABLE more (x)", {"structure"}),
    ],
)
async def test_what_is_wrong_is_found(tmp_path, damage, kinds):
    await filled(tmp_path)
    change(tmp_path, damage)
    assert {each.kind for each in check(tmp_path / "store.db").findings} == kinds


def test_the_command_says_what_is_wrong_and_what_to_do(tmp_path, config):
    state = tmp_path / "state"
    asyncio.run(filled(state))
    assert run("check", "--config", config).exit_code == 0
    overwrite(state / "store.db", pages_of(state / "store.db", 13)[-1] * 4096, b"\x00")
    found = run("check", "--config", config)
    assert found.exit_code == 1
    assert "next step: " in found.stderr
    answer = run("check", "--config", config, "--json")
    assert answer.exit_code == 1
    assert {each["kind"] for each in json.loads(answer.stdout)["findings"]} == {"structure"}


def test_what_a_damaged_store_of_another_card_holds_is_taken_over_once(tmp_path, config):
    card = tmp_path / "card"
    acknowledged = asyncio.run(filled(card))
    overwrite(card / "store.db", 0, b"\xee")
    (tmp_path / "state").mkdir()
    found = run("salvage", str(card), "--config", config, "--json")
    assert (found.exit_code, json.loads(found.stdout)) == (0, {"records": len(acknowledged), "lost": 0})
    again = run("salvage", str(tmp_path / "state" / "quarantine" / "1"), "--config", config, "--json")
    assert json.loads(again.stdout)["records"] == 0
    assert check(tmp_path / "state" / "store.db").records == len(acknowledged)
    shutil.rmtree(card)


def test_what_was_named_as_lost_is_found_in_a_former_store(tmp_path, config):
    card, state = tmp_path / "card", tmp_path / "state"
    asyncio.run(filled(card))
    shutil.copytree(card, state)
    change(state, "UPDATE record SET arrived_ns = 1 WHERE id BETWEEN 40 AND 49")

    async def met():
        async with opened(state) as bench:
            await settle(bench)

    asyncio.run(met())
    assert sum(row[4] - row[3] for row in rows(state, small_rows.LOSS)) == 10
    found = run("salvage", str(card), "--config", config, "--json")
    assert json.loads(found.stdout) == {"records": 10, "lost": 0}
    assert rows(state, small_rows.LOSS) == []
    assert check(state / "store.db").findings == ()


def test_a_store_that_is_begun_anew_during_a_salvage_names_nothing_that_comes_after(tmp_path, config):
    """Its last step met a record of a stream that nobody knows, which is damage of the whole file."""
    card, state = tmp_path / "card", tmp_path / "state"
    acknowledged = asyncio.run(filled(card))
    shutil.copytree(card, state)
    change(state, "UPDATE record SET boot = 5 WHERE id = 40")
    found = run("salvage", str(card), "--config", config, "--json")
    assert json.loads(found.stdout) == {"records": len(acknowledged), "lost": 0}
    connection = apsw.Connection(str(state / "store.db"))
    assert connection.execute("SELECT count(*) FROM record WHERE kind = ?", (up.Gap.TYPE,)).get == 0
    connection.close()
    assert rows(state, small_rows.LOSS) == []


def test_nobody_is_told_to_move_a_store_away_that_an_agent_may_have(tmp_path, config):
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "store.db").write_bytes(b"not a database " * 1000)
    found = run("check", "--config", config)
    assert found.exit_code == 1
    assert "error: corrupt: " in found.stderr
    assert "next step: sudo systemctl restart fieldgate" in found.stderr


def test_a_folder_without_a_store_and_the_store_itself_are_refused(tmp_path, config):
    asyncio.run(filled(tmp_path / "state"))
    empty = run("salvage", str(tmp_path), "--config", config)
    assert (empty.exit_code, empty.stderr.splitlines()[0]) == (
        2,
        f"error: {tmp_path}: there is no store.db in it",
    )
    itself = run("salvage", str(tmp_path / "state"), "--config", config)
    assert itself.exit_code == 2
    assert "the agent mends its own store" in itself.stderr
    assert not (tmp_path / "state" / "quarantine").exists()


def test_a_store_that_cannot_be_copied_leaves_nothing_behind(tmp_path, config):
    card = tmp_path / "card"
    asyncio.run(filled(card))
    (card / "store.db-wal").unlink(missing_ok=True)
    (card / "store.db-wal").mkdir()
    (tmp_path / "state").mkdir()
    found = run("salvage", str(card), "--config", config)
    assert found.exit_code == 1
    assert "store.db-wal" in found.stderr
    assert list((tmp_path / "state" / "quarantine").iterdir()) == []


async def test_a_running_agent_is_in_the_way_of_salvage(tmp_path, config):
    await filled(tmp_path / "card")
    async with opened(tmp_path / "state"):
        found = await asyncio.to_thread(run, "salvage", str(tmp_path / "card"), "--config", config)
    assert found.exit_code == 1
    assert "in use by process" in found.stderr
    assert "systemctl stop fieldgate" in found.stderr
