"""The demo as a user starts it: a process of its own, with everything that it starts."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

import pytest
from paho.mqtt import publish

from gateway.socket_address import ADDRESS_OCTETS
from hil_tests.board.shim import shim_directory
from hil_tests.broker import Broker, Subscriber, free_port
from hil_tests.demo.guard import Guard

pytestmark = [pytest.mark.hil, pytest.mark.timeout(60)]
POLL_S = 0.02
LIMIT_S = 40.0


class Run:
    """A demo with temporary files of its own; knows every process that it ever started."""

    def __init__(self, directory: Path, *arguments: str) -> None:
        self.temporary = directory / "t"
        self.temporary.mkdir()
        self._output = directory / "output"
        self._error = directory / "error"
        self.started: set[tuple[int, str]] = set()
        with self._output.open("wb") as output, self._error.open("wb") as error:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "gateway.cli", "demo", *arguments],
                stdout=output,
                stderr=error,
                env=os.environ | {"TMPDIR": str(self.temporary)},
                start_new_session=True,  # its own process group, as a shell gives it
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()

    def said(self) -> str:
        """Standard error so far."""
        return self._error.read_text()

    def watch(self, until=lambda run: False) -> None:
        """Follow it to its end, or until something is so."""
        limit_s = time.monotonic() + LIMIT_S
        while self._process.poll() is None and not until(self):
            self.started |= descendants(self._process.pid)
            assert time.monotonic() < limit_s, "the demo did not end"
            time.sleep(POLL_S)

    def signal(self, number: int) -> None:
        """As a terminal does it: to the whole group."""
        os.killpg(self._process.pid, number)

    def end(self) -> tuple[int, str, str]:
        """Exit code, standard output and error at its end."""
        self.watch()
        return self._process.wait(), self._output.read_text(), self.said()

    def left(self) -> list[str]:
        """Processes that still run, and temporary files."""
        running = [str(each) for each in self.started if begin_of(each[0]) == each[1]]
        return running + [path.name for path in self.temporary.iterdir()]


@pytest.fixture
def demo():
    """Starts a demo with the arguments given. Its folder's name is short: it holds a socket."""
    with TemporaryDirectory(prefix="fg-") as name, ExitStack() as runs:
        yield lambda *arguments: runs.enter_context(Run(Path(name), *arguments))


def descendants(pid: int) -> set[tuple[int, str]]:
    """(pid, when it began) of every process below `pid`: a number alone may be given anew."""
    parents = {each: parent_of(each) for each in (int(path.name) for path in Path("/proc").glob("[0-9]*"))}
    found, news = set(), {pid}
    while news:
        news = {each for each, parent in parents.items() if parent in news}
        found |= news
    return {(each, began) for each in found if (began := begin_of(each))}


def stat_of(pid: int) -> list[str]:
    """The fields of /proc/PID/stat after the name: proc(5) has their order."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def command_of(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text()


def parent_of(pid: int) -> int:
    return int((stat_of(pid) or ["", "0"])[1])


def begin_of(pid: int) -> str:
    """Empty when it has ended."""
    fields = stat_of(pid)
    return fields[19] if fields and fields[0] != "Z" else ""


def test_nothing_is_lost_on_the_way_from_the_chips_to_a_subscriber(demo):
    run = demo("--nodes", "2", "--seconds", "8", "--json")
    code, output, error = run.end()
    assert code == 0, error
    assert output.count("\n") == 1
    ledger = json.loads(output)
    assert ledger["lost"] == ledger["unstored"] == ledger["gaps"] == ledger["waiting"] == 0
    # Two nodes for 6 seconds at least, the start taken off: one scan of air, ten of load a second.
    assert ledger["sampled"] > 2 * 6 * 11 * 0.9
    assert ledger["stored"] == ledger["delivered"] == ledger["received"]
    # Of each node, one block may be on disk whose ACK came when the node had just been stopped.
    assert 12 < ledger["acknowledged"] <= ledger["stored"] <= ledger["acknowledged"] + 2
    # 35 and 45 ms on an idle PC. A busy one may lose a question for the time, and then some blocks wait for
    # the next one; half of them never do.
    assert 0 < ledger["latency_p50_ms"] < 2000
    assert ledger["latency_p50_ms"] <= ledger["latency_p99_ms"] < 8000
    assert "2 of 2 nodes linked" in error
    assert len(run.started) >= 4  # two boards, gateway, broker
    assert run.left() == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_in_order_and_leaves_nothing(demo, number):
    run = demo("--nodes", "2", "--json")
    run.watch(until=lambda run: re.search(r"[1-9]\d* received", run.said()))
    run.signal(number)
    code, output, error = run.end()
    assert code == 0, error
    assert json.loads(output)["received"] > 0
    assert run.left() == []


@pytest.mark.parametrize("processes", [0, 1, 2, 4])
def test_a_signal_while_it_starts_leaves_nothing(demo, processes):
    run = demo("--nodes", "2", "--json")
    run.watch(until=lambda run: len(run.started) >= processes and any(run.temporary.iterdir()))
    run.signal(signal.SIGINT)
    code, output, error = run.end()
    assert code == 0, error
    assert json.loads(output)["lost"] == 0
    assert run.left() == []


def test_a_guard_that_the_signal_ended_is_no_failure_of_the_demo(tmp_path):
    """It may have been hit before it had a session of its own."""
    with Guard(tmp_path):
        limit_s = time.monotonic() + 5
        while not (pids := [pid for pid, _ in descendants(os.getpid()) if str(tmp_path) in command_of(pid)]):
            assert time.monotonic() < limit_s  # its command line is there a moment after it is
        (pid,) = pids
        os.kill(pid, signal.SIGKILL)
        while begin_of(pid):
            assert time.monotonic() < limit_s
            time.sleep(POLL_S)


def test_a_demo_that_was_killed_leaves_nothing_either_but_what_other_boards_work_with(demo):
    shim = shim_directory()
    run = demo("--nodes", "2", "--json")
    run.watch(until=lambda run: re.search(r"[1-9]\d* received", run.said()))
    run.signal(signal.SIGKILL)
    run.watch()
    limit_s = time.monotonic() + 5
    while run.left():
        assert time.monotonic() < limit_s, run.left()
        time.sleep(POLL_S)
    assert (shim / "tool.mpy").exists()


def test_a_broker_that_goes_on_keeps_nothing_of_it(demo, tmp_path):
    with Broker(tmp_path / "broker") as broker:
        run = demo("--nodes", "1", "--seconds", "4", "--json", "--broker", broker.url)
        code, output, error = run.end()
        assert code == 0, error
        assert json.loads(output)["received"] > 0
        with Subscriber(broker.url, "#") as later:
            publish.single("marker", b"", hostname="127.0.0.1", port=broker.port)
            heard = later.wait_for(bool)
    assert [message.topic for message in heard] == ["marker"]
    assert run.left() == []


def test_without_a_broker_all_is_stored_and_nothing_is_lost(demo):
    run = demo("--nodes", "1", "--seconds", "5", "--broker", f"mqtt://127.0.0.1:{free_port()}")
    code, output, error = run.end()
    assert code == 0, error
    numbers = {line.split()[0]: line.split()[1] for line in output.splitlines() if len(line.split()) > 1}
    # The end may come between a commit and its acknowledgement.
    assert 0 < int(numbers["acknowledged"]) <= int(numbers["stored"]) == int(numbers["waiting"])
    assert numbers["received"] == numbers["lost"] == "0"
    assert "unreachable" in output
    assert "stored, not lost" in output
    assert run.left() == []


def test_the_octets_of_every_line_are_kept_when_asked_for(demo, tmp_path):
    run = demo("--nodes", "2", "--seconds", "4", "--json", "--capture", str(tmp_path / "octets"))
    code, _output, error = run.end()
    assert code == 0, error
    kept = sorted(path.name.rpartition("node-")[2] for path in (tmp_path / "octets").iterdir())
    assert kept == ["1.down", "1.up", "2.down", "2.up"]


@pytest.mark.parametrize(
    "url", ["mqtts://broker.example", "http://broker.example", "mqtt://a:b@broker.example"]
)
def test_a_broker_that_cannot_be_spoken_to_is_a_mistake_of_the_command_line(demo, url):
    code, output, error = demo("--broker", url).end()
    assert (code, output) == (2, "")
    assert "mqtt://HOST" in error


def test_a_folder_whose_name_is_longer_than_a_sockets_address_is_no_hindrance(tmp_path):
    folder = tmp_path / ("x" * ADDRESS_OCTETS)
    folder.mkdir()
    with Run(folder, "--nodes", "1", "--seconds", "3", "--json") as run:
        code, output, error = run.end()
    assert code == 0, error
    assert json.loads(output)["delivered"] > 0
    assert run.left() == []
