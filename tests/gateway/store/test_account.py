import json
from datetime import date

import apsw
import pytest
from click.testing import CliRunner

from gateway.cli import fieldgate
from gateway.failure import ExitCode
from gateway.store import Arrival, StoreError, losses, small_rows, stretches
from gateway.store.account import RECORD_ONLY, Gap, account
from gateway.store.stretches import Kind
from tests.gateway.archive import samples
from tests.gateway.store.bench import BOOT, OTHER, UID, change, opened

KEY = (UID, BOOT, 1)
DAY = (date(2026, 11, 24) - date(1970, 1, 1)).days
COUNT = 200


def arrival(seq, **more):
    return samples.record(seq, **more)[:10]


async def put(bench, work):
    """Have this done in a commit: `work(connection, ledger)`."""

    def once(connection, ledger):
        work(connection, ledger)
        return False

    assert bench.store.put_work("test", once)
    await bench.store.flush()


def rewritten(directory, table, change_row):
    """Rewrite every row of a small table with a right crc, behind the store's back."""
    connection = apsw.Connection(str(directory / "store.db"))
    table.put(connection, [change_row(row) for row in table.rows(connection)])
    connection.close()


@pytest.fixture
async def full(tmp_path):
    """A directory whose store has every kind of row, and no agent."""
    async with opened(tmp_path, today=lambda: DAY) as bench:
        bench.store.register_sink("mqtt")
        bench.store.register_sink("second")
        await bench.fill(range(COUNT))
        await bench.fill(range(14), uid=OTHER)
        for sink, cursor, ranges in [("mqtt", 150, [(161, 170)]), ("second", 100, [])]:
            bench.store.move_cursor(sink, cursor, ranges)
        await bench.store.flush()
        bench.store.forget_delivered()
        await bench.store.flush()

        def more(connection, ledger):
            place = {"descriptor": samples.HASH, "host_boot": 1, "arrived_ns": 1, "t_first": 0, "span": 0}
            seqs = {"uid": UID, "boot": BOOT, "stream": 1, "seq": 20, "next_seq": 30}
            losses.name_loss(connection, ledger, **seqs, reason=losses.DAMAGED, **place)
            small_rows.DEAD_LETTER.put(
                connection, [(1, "mqtt", 121, *arrival(120), 0x99, "payload_format_invalid", None)]
            )

        await put(bench, more)
    return tmp_path


def streams(directory, **asked):
    return account(directory / "store.db", **asked).streams


async def test_every_kind_of_row_is_counted_once(full):
    found = account(full / "store.db")
    assert found.holds
    assert found.sinks == ("mqtt", "second")
    stream, other = found.streams
    assert (stream.uid, stream.first_seq, stream.next_seq) == (UID, 0, COUNT)
    assert (stream.stored, stream.settled, stream.gaps) == (100, 90, (Gap(20, 30, losses.DAMAGED),))
    assert stream.unaccounted == stream.wanted == stream.outside == ()
    assert stream.stored + stream.settled + stream.lost == COUNT
    assert stream.delivered == {"mqtt": 90 + 50 + 10 - 1, "second": 90}
    assert stream.waiting == {"mqtt": 40 + 1, "second": 100 + 1}
    assert stream.dead_letters == {"mqtt": 1, "second": 0}
    assert (other.uid, other.stored, other.settled) == (OTHER, 14, 0)
    assert other.waiting == {"mqtt": 14, "second": 14}


async def test_it_can_be_asked_of_one_node(full):
    [stream] = streams(full, node=OTHER)
    assert stream.uid == OTHER
    assert streams(full, node=bytes(8)) == ()


async def test_it_can_be_asked_of_one_day(full):
    async with opened(full, today=lambda: DAY + 1) as bench:
        await bench.fill(range(COUNT, COUNT + 5))
    [stream] = streams(full, day=DAY + 1)
    assert (stream.first_seq, stream.next_seq, stream.stored, stream.settled) == (COUNT, COUNT + 5, 5, 0)
    assert stream.waiting == {"mqtt": 5, "second": 5}
    before = streams(full, day=DAY)
    assert [(each.next_seq, each.holds) for each in before] == [(COUNT, True), (14, True)]
    assert before[0].delivered["mqtt"] == 149
    assert streams(full, day=DAY + 2) == streams(full, day=-1) == ()


async def test_the_gap_of_a_node_is_a_named_gap_and_its_record_waits(tmp_path):
    async with opened(tmp_path) as bench:
        bench.store.register_sink("mqtt")
        assert bench.store.append(Arrival._make(arrival(0)))
        assert bench.store.append(Arrival._make(arrival(1, next_seq=5)))
        await bench.store.flush()
        [stream] = streams(tmp_path)
    assert (stream.stored, stream.gaps, stream.waiting) == (1, (Gap(1, 5, "queue_full"),), {"mqtt": 2})
    assert stream.delivered == {"mqtt": 0}
    assert stream.holds


async def test_a_gap_that_only_its_record_tells_is_named(tmp_path):
    async with opened(tmp_path) as bench:
        assert bench.store.append(Arrival._make(arrival(1, next_seq=5)))
        await bench.store.flush()
    change(tmp_path, "DELETE FROM loss")
    [stream] = streams(tmp_path)
    assert stream.gaps == (Gap(1, 5, RECORD_ONLY),)


async def test_a_running_agent_does_not_disturb_it(full):
    async with opened(full) as bench:
        bench.append(range(COUNT, COUNT + 50))
        assert account(full / "store.db").holds
        await bench.store.flush()
        assert streams(full)[0].next_seq == COUNT + 50


async def test_what_is_salvaged_late_is_stored_and_what_is_wanted_is_not(tmp_path):
    async with opened(tmp_path) as bench:
        await bench.fill(range(10, 20))

        def salvaged(connection, _ledger):
            parts = {Kind.WANTED: [(4, 6)], Kind.LATE: [(8, 10)], Kind.SETTLED: [(0, 4), (6, 8)]}
            stretches.keep(connection, KEY, parts)
            [row] = small_rows.STREAM.rows(connection)
            small_rows.STREAM.put(connection, [(*row[:3], 0, row[4], 0, *row[6:])])

        await put(bench, salvaged)
        [stream] = streams(tmp_path)
        assert (stream.stored, stream.settled) == (10, 6)
        assert (stream.unaccounted, stream.wanted) == (((4, 6), (8, 10)), ((4, 6),))
        assert not stream.holds


@pytest.mark.parametrize(
    ("damage", "ranges"),
    [
        ("DELETE FROM record WHERE id = 140", [(139, 140)]),
        ("DELETE FROM record WHERE id BETWEEN 140 AND 149", [(139, 149)]),
        ("UPDATE record SET message = x'00' WHERE id = 140", [(139, 140)]),
        ("UPDATE record SET seq = 1000, next_seq = 1001 WHERE id = 140", [(139, 140)]),
        ("DELETE FROM loss", [(20, 30)]),
    ],
)
async def test_what_was_taken_away_by_hand_is_not_accounted_for(full, damage, ranges):
    if "loss" in damage:  # settled by now, so that only the row in `loss` speaks of it
        rewritten(full, small_rows.STREAM, lambda row: (*row[:5], 20, *row[6:]) if row[0] == UID else row)
        change(full, "DELETE FROM record WHERE kind = 5")
        ranges = [(20, 100)]
    change(full, damage)
    found = account(full / "store.db")
    assert not found.holds
    assert list(found.streams[0].unaccounted) == ranges
    assert found.streams[1].holds


async def test_a_damaged_record_is_not_stored(full):
    change(full, "UPDATE record SET crc = crc + 1 WHERE id = 140")
    found = account(full / "store.db")
    assert found.damaged_records == (140,)
    assert found.streams[0].stored == 99


async def test_a_settled_seq_that_was_tampered_with_is_noticed(full):
    change(full, "UPDATE stream SET settled_seq = 120")
    found = account(full / "store.db")
    assert not found.holds
    assert len(found.damaged_rows) == 2
    assert found.damaged_rows[0].startswith("stream: ")


async def test_a_settled_seq_that_was_lowered_with_a_right_crc_is_noticed(full):
    rewritten(full, small_rows.STREAM, lambda row: (*row[:5], 0, *row[6:]))
    found = account(full / "store.db")
    assert list(found.streams[0].unaccounted) == [(0, 20), (30, 100)]


async def test_records_where_the_stream_has_none_are_noticed(full):
    rewritten(full, small_rows.STREAM, lambda row: (*row[:4], row[4] - 5, *row[5:]))
    assert list(streams(full)[0].outside) == [(195, 200)]
    change(full, f"DELETE FROM stream WHERE uid = x'{OTHER.hex()}'")
    assert list(streams(full, node=OTHER)[0].outside) == [(0, 14)]
    assert not account(full / "store.db").holds


async def test_a_store_that_is_not_there_or_is_none_is_an_error(tmp_path):
    with pytest.raises(StoreError) as error:
        account(tmp_path / "store.db")
    assert error.value.reason == "missing"
    (tmp_path / "store.db").write_bytes(b"no database" * 1000)
    with pytest.raises(StoreError) as error:
        account(tmp_path / "store.db")
    assert error.value.reason == "corrupt"


def ledger(directory, *arguments):
    file = directory / "fieldgate.toml"
    file.write_text(
        f'[gateway]\nname = "north"\nstate_directory = "{directory}"\n[[port]]\nglob = "/dev/ttyUSB*"\n',
        encoding="utf-8",
    )
    return CliRunner().invoke(fieldgate, ["ledger", "--config", str(file), *arguments])


async def test_the_command_ends_with_0_and_the_totals(full):
    result = ledger(full)
    assert result.exit_code == ExitCode.OK
    assert result.stdout.splitlines()[-1] == (
        "2 streams, 214 seqs: 114 stored, 90 delivered to all and deleted, 10 lost (damaged_at_gateway 10): "
        "every seq is stored, delivered or in a named gap"
    )
    assert "20 to 29" in result.stdout


async def test_the_command_ends_with_1_and_says_which_seqs_are_missing(full):
    change(full, "DELETE FROM record WHERE id BETWEEN 140 AND 149")
    result = ledger(full)
    assert result.exit_code == ExitCode.FAULT
    assert result.stdout.splitlines()[0] == "NOT ACCOUNTED FOR"
    assert "139 to 148" in result.stdout
    assert result.stdout.splitlines()[-1].endswith("10 seqs are not accounted for")
    assert "next step: " in result.stderr


async def test_a_damaged_row_is_shown(full):
    change(full, "UPDATE sink SET cursor = 120 WHERE name = 'mqtt'")
    result = ledger(full)
    assert result.exit_code == ExitCode.FAULT
    assert "DAMAGED" in result.stdout
    assert result.stdout.splitlines()[-1].endswith(": 1 rows of tables are damaged")


async def test_of_a_node_that_nobody_knows_nothing_is_proven(full):
    result = ledger(full, "--node", "0102030405ff")
    assert result.exit_code == ExitCode.USAGE
    assert "no record of node 0102030405ff was ever stored" in result.stderr
    other_day = ledger(full, "--node", UID.hex(), "--day", "2020-01-01")
    assert (other_day.exit_code, other_day.stdout) == (
        ExitCode.OK,
        "nothing of what was asked for was ever stored\n",
    )


async def test_json_has_the_ranges(full):
    change(full, "DELETE FROM record WHERE id BETWEEN 140 AND 149")
    result = ledger(full, "--json", "--node", UID.hex(), "--day", "2026-11-24")
    assert result.exit_code == ExitCode.FAULT
    document = json.loads(result.stdout)
    assert (document["holds"], document["node"], document["day"]) == (False, UID.hex(), "2026-11-24")
    [stream] = document["streams"]
    assert stream["gaps"] == [{"reason": "damaged_at_gateway", "first_seq": 20, "next_seq": 30}]
    assert stream["unaccounted_ranges"] == [[139, 149]]
    assert document["totals"]["unaccounted"] == 10
    assert document["totals"]["lost_by_reason"] == {"damaged_at_gateway": 10}


@pytest.mark.parametrize("wrong", [["--node", "24be"], ["--day", "24.11.2026"], ["--node", "z" * 12]])
def test_what_is_no_node_or_no_day_is_a_wrong_command_line(tmp_path, wrong):
    result = ledger(tmp_path, *wrong)
    assert result.exit_code == ExitCode.USAGE
    assert wrong[1] in result.stderr


def test_without_a_store_the_next_step_is_named(tmp_path):
    result = ledger(tmp_path)
    assert result.exit_code == ExitCode.FAULT
    assert "missing: " in result.stderr
    assert "next step: " in result.stderr
