import json
import os
import pty
import re
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway import cli
from gateway.cli import CommandGroup, fieldgate
from gateway.failure import ExitCode

ROOT = Path(__file__).parents[2]
PROGRAM = [sys.executable, "-m", "gateway.cli"]
GOOD = '[gateway]\nname = "north"\n[[port]]\nglob = "/dev/ttyUSB*"\n[[sink.mqtt]]\nurl = "mqtt://broker"\n'
BAD = '[[port]]\nglob = "/dev/ttyUSB*"\nbaudrate = 9600\nwindow = 1\n'
MISTAKES = (
    "{path}:3: unknown key 'baudrate' in [[port]]; did you mean 'baud'?",
    "{path}:4: window in [[port]] must be an integer from 1024 to 65536, not 1",
)


@pytest.fixture
def runner():
    return CliRunner()


@pytest.fixture
def good(tmp_path):
    path = tmp_path / "good.toml"
    path.write_text(GOOD, encoding="utf-8")
    return path


@pytest.fixture
def bad(tmp_path):
    path = tmp_path / "bad.toml"
    path.write_text(BAD, encoding="utf-8")
    return path


def group(**commands):
    """The program with these subcommands only."""
    entries = [EntryPoint(name, value, cli.ENTRY_POINTS) for name, value in commands.items()]
    return CommandGroup(lambda: entries, name="fieldgate")


def test_the_version_is_the_installed_one(runner):
    result = runner.invoke(fieldgate, ["--version"])
    assert result.output == f"fieldgate, version {cli.version()}\n"


def test_every_subcommand_of_the_gateway_is_installed(runner):
    assert {"run", "status", "config"} <= {entry.name for entry in cli.installed()}
    for name in ("run", "status", "config"):
        result = runner.invoke(fieldgate, [name, "--help"])
        assert result.exit_code == ExitCode.OK
        assert result.output.startswith(f"Usage: fieldgate {name}")


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("no.such.module:x", "ModuleNotFoundError"),
        ("gateway.cli:nothing", "AttributeError"),
        ("gateway.cli:version", "is not a command"),
        ("this:is:not an entry", "Error"),
    ],
)
def test_a_broken_subcommand_says_why_and_breaks_no_other(runner, value, reason):
    program = group(broken=value, config="gateway.commands.config:config")
    overview = runner.invoke(program, ["--help"])
    assert overview.exit_code == ExitCode.OK
    assert "Look at a configuration" in overview.output
    assert "not available" in overview.output

    result = runner.invoke(program, ["broken", "some", "--thing"])
    assert result.exit_code == ExitCode.FAULT
    assert result.stderr.startswith("error: 'broken' is not available")
    assert reason in result.stderr
    assert "next step:" in result.stderr

    assert runner.invoke(program, ["config", "--help"]).exit_code == ExitCode.OK


def test_an_unknown_subcommand_is_a_usage_error(runner):
    result = runner.invoke(fieldgate, ["stauts"])
    assert result.exit_code == ExitCode.USAGE
    assert "No such command 'stauts'" in result.stderr


def test_an_overview_imports_no_agent_and_no_broker_client():
    code = (
        "import sys; from click.testing import CliRunner; from gateway.cli import fieldgate;"
        "CliRunner().invoke(fieldgate, ['run', '--help']);"
        "print([name for name in ('gateway.agent', 'paho', 'apsw', 'serial') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=10
    )
    assert done.stdout == "[]\n"


def test_a_valid_file_is_said_to_be_so(runner, good):
    result = runner.invoke(fieldgate, ["config", "check", str(good)])
    assert result.exit_code == ExitCode.OK
    assert result.stdout == (
        f"{good}: valid: gateway north, ports /dev/ttyUSB*, sinks mqtt at mqtt://broker\n"
    )


@pytest.mark.parametrize("command", [["config", "check"], ["run", "--config"], ["status", "--config"]])
def test_every_mistake_of_a_file_is_shown_by_every_command(runner, bad, command):
    result = runner.invoke(fieldgate, [*command, str(bad)])
    assert result.exit_code == ExitCode.USAGE
    assert result.stdout == ""
    assert result.stderr.splitlines() == [
        *(f"error: {mistake.format(path=bad)}" for mistake in MISTAKES),
        f"next step: correct the file, then: fieldgate config check {bad}",
    ]


def test_a_file_that_is_not_there_is_said_so(runner, tmp_path):
    result = runner.invoke(fieldgate, ["run", "--config", str(tmp_path / "none.toml")])
    assert result.exit_code == ExitCode.USAGE
    assert result.stderr.splitlines() == [
        f"error: {tmp_path}/none.toml: cannot be read: No such file or directory",
        f"next step: ls -l {tmp_path}",
    ]


def test_a_file_that_cannot_be_read_is_not_to_be_corrected(runner, tmp_path):
    result = runner.invoke(fieldgate, ["config", "check", str(tmp_path)])
    assert result.exit_code == ExitCode.USAGE
    assert result.stderr.splitlines() == [
        f"error: {tmp_path}: cannot be read: Is a directory",
        f"next step: use sudo, or be in the group of the file (dialout), or is it no file? ls -l {tmp_path}",
    ]


def test_the_check_tells_of_a_file_that_a_sink_will_miss(runner, good):
    good.write_text(GOOD + 'user = "u"\npassword_file = "password"\n', encoding="utf-8")
    result = runner.invoke(fieldgate, ["config", "check", str(good)])
    assert result.exit_code == ExitCode.OK
    assert result.stderr == (
        f"note: {good.parent}/password is not there; the broker is tried again until it is\n"
    )
    (good.parent / "password").touch()
    assert runner.invoke(fieldgate, ["config", "check", str(good)]).stderr == ""


def test_an_overview_cuts_no_sentence(runner):
    for arguments in (["--help"], ["config", "--help"], ["node", "--help"]):
        shown = runner.invoke(fieldgate, arguments, terminal_width=78).output  # of 80 click uses so many
        assert "..." not in shown.partition("Commands:")[2], shown


def test_the_check_speaks_json_for_ci(runner, good, bad):
    result = runner.invoke(fieldgate, ["config", "check", "--json", str(bad)])
    assert result.exit_code == ExitCode.USAGE
    document = json.loads(result.stdout)
    assert document["valid"] is False
    assert [(error["line"], error["key"]) for error in document["errors"]] == [
        (3, "port.0.baudrate"),
        (4, "port.0.window"),
    ]
    result = runner.invoke(fieldgate, ["config", "check", "--json", str(good)])
    assert result.exit_code == ExitCode.OK
    assert json.loads(result.stdout) == {"file": str(good), "valid": True, "errors": []}


def terminal_output(arguments, environ):
    """What the program writes when standard output and error are a terminal."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [*PROGRAM, *arguments], stdout=slave, stderr=slave, cwd=ROOT, env=os.environ | environ
    )
    os.close(slave)
    seen = b""
    try:
        while octets := os.read(master, 4_096):
            seen += octets
    except OSError:  # EIO: the program has closed the terminal
        pass
    finally:
        os.close(master)
        process.wait(timeout=10)
    return seen.decode()


def test_there_is_colour_on_a_terminal_but_not_with_no_color(bad):
    environ = {"TERM": "xterm", "NO_COLOR": ""}
    assert "\x1b[31merror:\x1b[0m" in terminal_output(["config", "check", str(bad)], environ)
    plain = terminal_output(["config", "check", str(bad)], environ | {"NO_COLOR": "1"})
    assert "error: " in plain
    assert "\x1b" not in plain


def test_there_is_no_colour_in_a_pipe(bad):
    done = subprocess.run(
        [*PROGRAM, "config", "check", str(bad)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=10,
    )
    assert done.returncode == ExitCode.USAGE
    assert "error: " in done.stderr
    assert "\x1b" not in done.stderr


def test_the_manual_explains_every_exit_code():
    section = (
        (ROOT / "docs" / "operator.md")
        .read_text(encoding="utf-8")
        .split("## Exit codes")[1]
        .split("\n## ")[0]
    )
    assert re.findall(r"(?m)^\| (\d+) \|", section) == [str(int(code)) for code in ExitCode]
