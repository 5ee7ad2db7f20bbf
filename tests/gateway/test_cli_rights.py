"""Whose the store is, and who may look: commands as root, and as somebody who has no right."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.cli import fieldgate
from gateway.failure import ExitCode
from tests.gateway.store.gateways import Gateway

IS_ROOT = os.geteuid() == 0
OWNER = 54_321 if IS_ROOT else os.geteuid()  # somebody else, if this user may give files away
# root without what makes it root; others have no such rights anyway
POWERLESS = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if IS_ROOT else []


@pytest.fixture
def gateway(tmp_path):
    gateway = Gateway(tmp_path / "state")
    gateway.boot()
    gateway.describe()
    gateway.fill(range(3))
    return gateway


@pytest.fixture
def config(gateway, tmp_path):
    file = tmp_path / "fieldgate.toml"
    lines = ["[gateway]", f'state_directory = "{gateway.directory}"', "[[port]]", 'glob = "/dev/ttyUSB*"']
    file.write_text("\n".join(lines), encoding="utf-8")
    return str(file)


def give_away(directory):
    for path in (directory, *directory.rglob("*")):
        os.chown(path, OWNER, -1)


def test_what_root_has_salvaged_is_the_services_so_that_the_agent_starts(gateway, config, tmp_path):
    card = Gateway(tmp_path / "card")
    card.boot()
    card.describe()
    card.fill(range(5))
    give_away(gateway.directory)
    result = CliRunner().invoke(fieldgate, ["store", "salvage", "--config", config, str(card.directory)])
    assert result.exit_code == ExitCode.OK, result.output
    made = list(gateway.directory.rglob("*"))
    assert gateway.directory / "quarantine" in made
    assert {path.lstat().st_uid for path in made} == {OWNER}


def test_a_link_that_somebody_laid_there_gives_nothing_away(gateway, config, tmp_path):
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "secret").touch()
    (gateway.directory / "link").symlink_to(foreign)
    card = Gateway(tmp_path / "card")
    card.boot()
    give_away(card.directory)
    os.chown(gateway.directory, OWNER, -1)
    result = CliRunner().invoke(fieldgate, ["store", "salvage", "--config", config, str(card.directory)])
    assert result.exit_code == ExitCode.OK, result.output
    assert [path.stat().st_uid for path in (foreign, foreign / "secret")] == [os.geteuid()] * 2


@pytest.mark.parametrize("command", [["ledger"], ["store", "check"], ["store", "export", "x.gz"]])
def test_who_may_not_read_the_store_is_told_so_and_not_to_look_at_the_disk(
    gateway, config, tmp_path, command
):
    gateway.store.chmod(0)
    done = subprocess.run(
        [*POWERLESS, sys.executable, "-m", "gateway.cli", *command, "--config", config],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
    )
    assert (done.returncode, done.stdout) == (ExitCode.FAULT, "")
    said = f"error: denied: {gateway.store}: this user may not read it\nnext step: use sudo\n"
    assert done.stderr == said


def test_a_configuration_that_may_not_be_read_has_the_same_next_step_as_any_other(config, tmp_path):
    Path(config).chmod(0)
    done = subprocess.run(
        [*POWERLESS, sys.executable, "-m", "gateway.cli", "config", "check", config],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
    )
    assert done.returncode == ExitCode.USAGE
    assert done.stderr.startswith(f"error: {config}: cannot be read: Permission denied\nnext step: use sudo")
