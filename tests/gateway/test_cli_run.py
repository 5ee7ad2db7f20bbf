import io
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway import log
from gateway.cli import fieldgate
from gateway.commands.run import with_state_directory
from gateway.config import Config, GatewayConfig
from gateway.failure import ExitCode
from gateway.store.lock import DirectoryLock

ROOT = Path(__file__).parents[2]
LOGGING_PROGRAM = """
import logging, os, sys
from gateway import log
environ = dict(os.environ)
if "journal" in sys.argv:
    found = os.fstat(2)
    environ["JOURNAL_STREAM"] = f"{found.st_dev}:{found.st_ino}"
log.set_up("info", sys.stderr, environ)
logging.getLogger("gateway.port").debug("not shown")
logging.getLogger("gateway.port").warning("%s: two\\nlines", "/dev/ttyUSB0")
try:
    1 / 0
except ZeroDivisionError:
    logging.getLogger("gateway").critical("ended", exc_info=True)
"""


def config(directory):
    return Config(gateway=GatewayConfig(name="gw", state_directory=Path(directory)))


def state_directory(directory, chosen, environ):
    return str(with_state_directory(config(directory), chosen, environ).gateway.state_directory)


def test_the_state_directory_is_the_command_lines_before_all_others():
    environ = {"STATE_DIRECTORY": "/var/lib/private/fieldgate"}
    assert state_directory("/data", Path("/tmp/s"), environ) == "/tmp/s"
    assert state_directory("/data", None, environ) == "/data"
    assert state_directory("/var/lib/fieldgate", None, environ) == "/var/lib/private/fieldgate"
    assert state_directory("/var/lib/fieldgate", None, {}) == "/var/lib/fieldgate"


def test_of_several_state_directories_of_systemd_the_first_counts():
    assert state_directory("/var/lib/fieldgate", None, {"STATE_DIRECTORY": "/a:/b"}) == "/a"


def test_a_relative_state_directory_counts_from_where_the_command_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert state_directory("/data", Path("s"), {}) == str(tmp_path / "s")


def logged(*arguments):
    done = subprocess.run(
        [sys.executable, "-c", LOGGING_PROGRAM, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=10,
    )
    return done.stderr.splitlines()


def test_under_journald_every_line_has_its_priority_and_no_time():
    lines = logged("journal")
    assert lines[:3] == [
        "<4>gateway.port: /dev/ttyUSB0: two",
        "<4>lines",
        "<2>gateway: ended",
    ]
    assert all(line.startswith("<2>") for line in lines[2:])
    assert lines[-1] == "<2>ZeroDivisionError: division by zero"


def test_elsewhere_a_line_has_the_time_and_the_level():
    lines = logged()
    time, _, rest = lines[0].partition(" WARNING ")
    assert len(time) == len("2026-11-24 15:00:00,000")
    assert rest == "gateway.port: /dev/ttyUSB0: two"


@pytest.mark.parametrize("journal", ["", "1", "1:2", "x:y"])
def test_another_stream_than_the_journals_is_not_taken_for_it(journal, tmp_path):
    with (tmp_path / "log").open("w", encoding="utf-8") as stream:
        assert not log.goes_to_journal(stream, {"JOURNAL_STREAM": journal})
        found = os.fstat(stream.fileno())
        assert log.goes_to_journal(stream, {"JOURNAL_STREAM": f"{found.st_dev}:{found.st_ino}"})
    assert not log.goes_to_journal(io.StringIO(), {"JOURNAL_STREAM": "1:2"})


def test_the_level_of_the_configuration_holds(monkeypatch):
    root = logging.getLogger()
    before = (root.level, root.handlers[:])
    stream = io.StringIO()
    try:
        log.set_up("warning", stream, {})
        logging.getLogger("gateway.store").info("quiet")
        logging.getLogger("gateway.store").error("loud")
    finally:
        root.setLevel(before[0])
        root.handlers[:] = before[1]
    assert stream.getvalue().endswith("ERROR   gateway.store: loud\n")
    assert "quiet" not in stream.getvalue()


@pytest.fixture
def run(tmp_path):
    """`fieldgate run` in this process, for starts that come to nothing; gives exit code and errors."""
    root = logging.getLogger()
    before = (root.level, root.handlers[:])
    path = tmp_path / "fieldgate.toml"
    path.write_text('[gateway]\nstate_directory = "state"\n[[port]]\nglob = "/no/port"\n', encoding="utf-8")

    def started(*arguments):
        result = CliRunner().invoke(fieldgate, ["run", "--config", str(path), *arguments])
        return result.exit_code, result.stderr

    yield started
    root.setLevel(before[0])
    root.handlers[:] = before[1]


def test_a_second_agent_in_a_state_directory_is_told_who_is_there(run, tmp_path):
    (tmp_path / "state").mkdir()
    lock = DirectoryLock(tmp_path / "state")
    try:
        code, said = run()
    finally:
        lock.release()
    error, step = said.splitlines()[-2:]
    assert code == ExitCode.FAULT
    assert error == (
        f"error: the store cannot be opened (in_use): {tmp_path}/state: in use by process {os.getpid()}"
    )
    assert step.startswith("next step: fieldgate status shows the agent that runs")


def test_the_log_begins_with_what_runs_where(run, tmp_path):
    (tmp_path / "state").mkdir()
    lock = DirectoryLock(tmp_path / "state")  # so that it ends at once
    try:
        _code, said = run()
    finally:
        lock.release()
    place = f"{tmp_path}/fieldgate.toml, gateway {Config().gateway.name}, state directory {tmp_path}/state"
    assert said.splitlines()[0].endswith(f" begins: {place}")


def test_a_capture_that_has_no_place_is_a_wrong_command_line(run, tmp_path):
    (tmp_path / "file").touch()
    code, said = run("--capture", str(tmp_path / "file" / "captured"))
    assert code == ExitCode.USAGE
    assert said.splitlines() == [
        f"error: --capture {tmp_path}/file/captured: Not a directory",
        "next step: choose a directory that this user may write into",
    ]
