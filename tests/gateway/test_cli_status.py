import asyncio
import json
import os
import socket
import threading

import pytest
from click.testing import CliRunner

from gateway.cli import fieldgate
from gateway.failure import ExitCode
from gateway.status import SOCKET_NAME, ClockStatus, FaultStatus, Status, StatusServer, StoreStatus

HEALTHY = Status(
    version="0.1.0",
    gateway="north",
    uptime_s=4.0,
    clock=ClockStatus(state="synchronised"),
    store=StoreStatus(state="open", stored=12),
)
SICK = Status(
    version="0.1.0",
    gateway="north",
    uptime_s=4.0,
    clock=ClockStatus(state="synchronised"),
    store=StoreStatus(state="full", stored=12),
    faults=(FaultStatus(name="disk_full", subject="store", age_s=3.0),),
)


@pytest.fixture
def path(short_path):
    return short_path / SOCKET_NAME


async def status(path, answer, *arguments):
    """`fieldgate status`, asked while an agent with this answer listens."""
    async with StatusServer(path, lambda: answer):
        return await asyncio.to_thread(CliRunner().invoke, fieldgate, ["status", *arguments])


async def test_a_healthy_agent_is_code_0(path):
    result = await status(path, HEALTHY, "--socket", str(path))
    assert result.exit_code == ExitCode.OK
    assert result.stdout.splitlines()[0] == ("fieldgate 0.1.0, gateway north, up 4 s, clock synchronised")


async def test_an_agent_with_a_fault_is_code_1_and_the_fault_comes_first(path):
    result = await status(path, SICK, "--socket", str(path))
    assert result.exit_code == ExitCode.FAULT
    assert result.stdout.index("disk_full") < result.stdout.index("STORE")


async def test_json_is_the_agents_answer(path):
    result = await status(path, SICK, "--json", "--socket", str(path))
    assert result.exit_code == ExitCode.FAULT
    assert Status.from_json(result.stdout) == SICK
    assert json.loads(result.stdout)["faults"][0]["name"] == "disk_full"


async def test_the_socket_is_found_through_the_configuration(path, tmp_path):
    file = tmp_path / "fieldgate.toml"
    file.write_text(
        f'[gateway]\nstate_directory = "{path.parent}"\n[[port]]\nglob = "/dev/ttyUSB*"\n', encoding="utf-8"
    )
    result = await status(path, HEALTHY, "--config", str(file))
    assert result.exit_code == ExitCode.OK


def test_without_an_agent_the_next_step_is_named(path):
    result = CliRunner().invoke(fieldgate, ["status", "--socket", str(path)])
    assert result.exit_code == ExitCode.NO_AGENT
    assert result.stdout == ""
    assert result.stderr.startswith(f"error: no agent runs: nothing listens at {path}\n")
    assert "next step: sudo systemctl start fieldgate" in result.stderr


def test_a_socket_that_a_killed_agent_left_is_no_agent(path):
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    assert CliRunner().invoke(fieldgate, ["status", "--socket", str(path)]).exit_code == ExitCode.NO_AGENT


def answer_once(path, octets):
    """Something that listens at `path` and is no agent."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()

    def serve():
        connection, _ = listener.accept()
        connection.sendall(octets)
        connection.close()
        listener.close()

    thread = threading.Thread(target=serve)
    thread.start()
    return thread


@pytest.mark.parametrize("octets", [b"", b"HTTP/1.1 400\r\n", b"{}", b"\xff" * 100])
def test_an_answer_that_is_no_status_is_code_3(path, octets):
    thread = answer_once(path, octets)
    result = CliRunner().invoke(fieldgate, ["status", "--socket", str(path)])
    thread.join()
    assert result.exit_code == ExitCode.NO_AGENT
    assert f"the agent at {path} did not answer" in result.stderr


def test_an_agent_that_does_not_answer_is_given_up(path, monkeypatch):
    monkeypatch.setattr("gateway.socket_server.CLIENT_TIMEOUT_S", 0.05)
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(path))
        silent.listen()
        result = CliRunner().invoke(fieldgate, ["status", "--socket", str(path)])
    assert result.exit_code == ExitCode.NO_AGENT
    assert "timed out" in result.stderr


def test_a_path_that_is_too_long_for_a_socket_is_a_sentence():
    result = CliRunner().invoke(fieldgate, ["status", "--socket", "/tmp/" + "x" * 200])
    assert result.exit_code == ExitCode.NO_AGENT
    assert "too long" in result.stderr
    assert os.linesep in result.stderr
