"""The systemd unit, judged by the real systemd-analyze."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from gateway.failure import ExitCode
from gateway.systemd_notify import STAGE_LIMIT_S
from hil_tests.interpreters import program

ROOT = Path(__file__).parents[2]
UNIT = ROOT / "deploy" / "fieldgate.service"
PROGRAM = "/opt/fieldgate/bin/fieldgate"
THRESHOLD = 17  # tenths; systemd 252 rates the unit 1.7, an empty one 9.6 and mosquitto's 9.6

# What stays open, each for a reason. Anything else that systemd-analyze finds is a mistake.
EXPOSED = {
    "PrivateNetwork=": "brokers are in the network",
    "RestrictAddressFamilies=~AF_(INET|INET6)": "brokers are in the network",
    "IPAddressDeny=": "brokers may be anywhere; docs/install.md shows how to narrow it down",
    "RestrictAddressFamilies=~AF_UNIX": "sd_notify and the status socket",
    "PrivateDevices=": "serial ports",
    "DeviceAllow=": "serial ports",
    "ProtectClock=": "it refuses to read the clock's state as well",
    "SystemCallFilter=~@clock": "adjtimex without any right to set",
    "SystemCallFilter=~@privileged": "adjtimex is in this group too",
    "ProcSubset=": "the boot id is in /proc/sys",
    "RootDirectory=/RootImage=": "the program is in /opt, its interpreter in /usr",
}


@pytest.fixture(scope="module")
def analyze():
    """Runs the real tool, of the release that this machine runs."""
    tool = program("systemd-analyze")

    def run(*arguments):
        return subprocess.run(
            [tool, "--no-pager", *arguments], capture_output=True, text=True, check=False, timeout=30
        )

    return run


@pytest.fixture
def unit(tmp_path):
    """The unit with a program that is there on this machine."""
    standin = tmp_path / "fieldgate"
    standin.write_text("#!/bin/sh\n", encoding="utf-8")
    standin.chmod(0o755)
    path = tmp_path / UNIT.name
    path.write_text(UNIT.read_text(encoding="utf-8").replace(PROGRAM, str(standin)), encoding="utf-8")
    return path


def settings(name):
    return re.findall(rf"(?m)^{name}=(.*)$", UNIT.read_text(encoding="utf-8"))


def test_systemd_understands_every_line_of_the_unit(analyze, unit):
    done = analyze("verify", "--man=no", str(unit))
    assert done.returncode == 0
    assert unit.name not in done.stderr  # a warning about a line names the unit


def test_a_misspelt_line_would_be_noticed(analyze, unit):
    unit.write_text(
        unit.read_text(encoding="utf-8") + "\n[Service]\nProtectSistem=strict\n", encoding="utf-8"
    )
    done = analyze("verify", "--man=no", str(unit))
    assert "ProtectSistem" in done.stderr


def test_the_unit_is_as_closed_as_it_can_be(analyze, unit):
    done = analyze("security", "--offline=yes", f"--threshold={THRESHOLD}", str(unit))
    assert done.returncode == 0, done.stdout


def test_what_stays_open_has_a_reason(analyze, unit):
    done = analyze("security", "--offline=yes", "--json=short", str(unit))
    checks = json.loads(done.stdout)
    exposed = {check["name"] for check in checks if check["exposure"] not in (None, "0.0")}
    assert exposed <= EXPOSED.keys()


def test_the_clocks_state_can_be_read(analyze):
    # systemd-analyze cannot say what a filter lets through; systemd.exec(5) says that each of these
    # refuses adjtimex, even if nothing is to be set.
    assert settings("ProtectClock") == ["no"]
    assert settings("SystemCallFilter")[-1] == "adjtimex clock_adjtime clock_adjtime64"
    assert "adjtimex" in analyze("syscall-filter", "@clock").stdout


def test_a_crash_is_followed_by_a_start_for_ever_but_an_invalid_configuration_is_not():
    assert settings("Restart") == ["always"]
    assert settings("StartLimitIntervalSec") == ["0"]
    assert int(settings("RestartSec")[0]) >= 5
    assert settings("RestartPreventExitStatus") == [str(int(ExitCode.USAGE))]


def test_the_watchdogs_time_is_longer_than_a_stage_may_be_stuck():
    assert int(settings("WatchdogSec")[0]) > STAGE_LIMIT_S
