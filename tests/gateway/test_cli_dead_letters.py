"""`fieldgate dead-letters` beside a running agent: control.py, dead_letter_desk.py and the command."""

import asyncio
import json
import socket

import pytest
from click.testing import CliRunner

from gateway.cli import fieldgate
from gateway.control import CONTROL_NAME, ControlServer, Refused, call
from gateway.dead_letter_desk import DeadLetterDesk
from gateway.failure import ExitCode
from tests.gateway.sinks.records import UID, Bench, block

CONFIG = '[gateway]\nstate_directory = "{}"\n[[port]]\nglob = "/dev/nothing*"\n'
WHY = {"reason_code": 0x99, "reason": "payload_format_invalid", "realtime_ns": 1_800_000_000 * 10**9}


@pytest.fixture
async def desk(short_path):
    """A store with three dead letters, and an agent's control socket over it."""
    bench = Bench(short_path / "state")
    bench.store.register_sink("mqtt")
    await bench.fill(3)
    for record in bench.store.read_after(0, 3):
        bench.store.dead_letters.bury("mqtt", record, **WHY)
    bench.woken = 0

    def wake():
        bench.woken += 1

    operations = DeadLetterDesk(bench.store.dead_letters, wake).operations()
    config = short_path / "fieldgate.toml"
    config.write_text(CONFIG.format(short_path / "state"))
    bench.config = config
    bench.socket = short_path / "state" / CONTROL_NAME
    async with ControlServer(bench.socket, operations):
        yield bench
    await bench.store.close()


async def run(desk, *arguments):
    command = ["dead-letters", *arguments, "--config", str(desk.config)]
    return await asyncio.to_thread(CliRunner().invoke, fieldgate, command)


async def test_the_list_says_which_and_why(desk):
    result = await run(desk, "list")
    assert result.exit_code == ExitCode.OK
    lines = result.output.splitlines()
    assert lines[0] == "DEAD LETTERS"
    assert lines[1].split() == [
        "id",
        "sink",
        "node",
        "boot",
        "stream",
        "seq",
        "octets",
        "refused",
        "at",
        "reason",
    ]
    assert lines[2].split()[:3] == ["1", "mqtt", UID.hex()]
    assert lines[2].endswith("2027-01-15T08:00:00+00:00  payload_format_invalid (0x99)")
    assert len(lines) == 5


async def test_the_list_in_json(desk):
    letters = json.loads((await run(desk, "list", "--json")).output)
    assert [letter["seq"] for letter in letters] == [0, 1, 2]


async def test_no_letters_are_said(desk):
    desk.store.dead_letters.forget([1, 2, 3])
    assert (await run(desk, "list")).output == "no dead letters\n"


async def test_one_is_shown_with_its_message(desk):
    result = await run(desk, "show", "2", "--json")
    assert json.loads(result.output)["message"] == block(1).hex()
    assert f"message      {block(1).hex()}" in (await run(desk, "show", "2")).output


async def test_replay_names_some_or_all_and_wakes_the_sinks(desk):
    letters = desk.store.dead_letters
    assert (await run(desk, "replay", "2")).output.startswith("1 to be sent again")
    assert letters.wanted("mqtt").id == 2
    assert (await run(desk, "replay", "--all")).output.startswith("3 to be sent again")
    assert [letters.wanted("mqtt").id for _ in range(3)] == [1, 2, 3]
    assert desk.woken == 2


async def test_discard_gives_them_up_for_ever(desk):
    result = await run(desk, "discard", "1", "3")
    assert (result.exit_code, result.output) == (
        ExitCode.OK,
        "2 discarded, and named as lost: fieldgate ledger\n",
    )
    await desk.store.flush()
    assert [letter.id for letter in desk.store.dead_letters.of()] == [2]


@pytest.mark.parametrize("operation", ["show", "replay", "discard"])
async def test_an_id_that_is_none_changes_nothing(desk, operation):
    ids = ["99"] if operation == "show" else ["1", "99"]
    result = await run(desk, operation, *ids)
    assert result.exit_code == ExitCode.FAULT
    assert "there is no dead letter 99" in result.output
    assert len(desk.store.dead_letters.of()) == 3
    assert desk.store.dead_letters.wanted("mqtt") is None


@pytest.mark.parametrize("arguments", [["replay"], ["replay", "1", "--all"], ["discard"], ["discard", "0"]])
async def test_a_command_that_names_nothing_or_two_things_is_refused(desk, arguments):
    assert (await run(desk, *arguments)).exit_code == ExitCode.USAGE


async def test_a_store_that_is_busy_is_told(desk, monkeypatch):
    monkeypatch.setattr("gateway.store.commit_queue.WORK_LIMIT", 0)
    result = await run(desk, "discard", "1")
    assert result.exit_code == ExitCode.FAULT
    assert "only 0 of 1 discarded" in result.output


async def test_no_agent_is_code_3(short_path):
    config = short_path / "fieldgate.toml"
    config.write_text(CONFIG.format(short_path))
    result = CliRunner().invoke(fieldgate, ["dead-letters", "list", "--config", str(config)])
    assert result.exit_code == ExitCode.NO_AGENT
    assert "no agent runs" in result.output


@pytest.mark.parametrize(
    "line",
    [
        b"\n",
        b"[]\n",
        b"\xff\n",
        b'{"operation":"rm"}\n',
        b"{" * 70_000 + b"\n",
        b'{"operation":{"a":1}}\n',
        b"[",
    ],
    ids=["empty", "array", "no text", "unknown", "too long", "no name", "cut"],
)
async def test_a_request_that_is_none_is_refused_and_the_next_one_answered(desk, line):
    reader, writer = await asyncio.open_unix_connection(desk.socket)
    writer.write(line)
    writer.write_eof()
    assert "error" in json.loads(await reader.read())
    writer.close()
    assert len(await asyncio.to_thread(call, desk.socket, "dead_letters.list")) == 3


@pytest.mark.parametrize("ids", [None, "1", [True], [1.0], ["1"], {}])
async def test_ids_that_are_none_are_refused(desk, ids):
    with pytest.raises(Refused):
        await asyncio.to_thread(call, desk.socket, "dead_letters.discard", ids=ids)
    assert len(desk.store.dead_letters.of()) == 3


async def test_an_answer_that_is_no_json_is_a_refusal(short_path):
    path = short_path / CONTROL_NAME
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        listener.settimeout(5)

        def answer():
            client, _ = listener.accept()
            with client:
                client.recv(1024)
                client.sendall(b"what?")

        task = asyncio.create_task(asyncio.to_thread(answer))
        with pytest.raises(Refused):
            await asyncio.to_thread(call, path, "dead_letters.list")
        await task
