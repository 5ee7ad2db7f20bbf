"""The installer and what it installs must agree; running it whole takes a network and a minute."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

DEPLOY = Path(__file__).parents[2] / "deploy"
INSTALL = DEPLOY / "install"
SCRIPT = INSTALL.read_text(encoding="utf-8")
UNIT = (DEPLOY / "fieldgate.service").read_text(encoding="utf-8")


def test_bash_understands_the_installer():
    done = subprocess.run(["bash", "-n", INSTALL], capture_output=True, text=True, check=False, timeout=10)
    assert (done.returncode, done.stderr) == (0, "")
    assert INSTALL.stat().st_mode & 0o111 == 0o111


@pytest.mark.parametrize("id_shown", ["1000", "65534"])
def test_without_root_the_next_step_is_named_and_nothing_is_done(tmp_path, id_shown):
    tool = tmp_path / "bin" / "id"
    tool.parent.mkdir()
    tool.write_text(f"#!/bin/sh\necho {id_shown}\n", encoding="utf-8")
    tool.chmod(0o755)
    environ = {
        "PATH": f"{tool.parent}:/usr/bin:/bin",
        "PREFIX": str(tmp_path / "opt"),
        "ETC": str(tmp_path / "etc"),
    }
    done = subprocess.run([INSTALL], env=environ, capture_output=True, text=True, check=False, timeout=10)
    assert done.returncode == 1
    assert done.stderr.endswith("Next step: sudo deploy/install\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bin"]


def test_the_unit_starts_what_the_installer_installs():
    (prefix,) = re.findall(r"PREFIX=\$\{PREFIX:-(.*)\}", SCRIPT)
    assert f"\nExecStart={prefix}/bin/fieldgate run --config /etc/fieldgate/fieldgate.toml\n" in UNIT
    assert f"\nDocumentation=file://{prefix}/share/doc/operator.md\n" in UNIT


def test_the_unit_runs_as_the_user_that_the_installer_makes():
    (user,) = re.findall(r"(?m)^User=(.*)$", UNIT)
    (group,) = re.findall(r"(?m)^Group=(.*)$", UNIT)
    assert f"getent passwd {user} " in SCRIPT
    assert f"useradd --system --gid {group} " in SCRIPT


def test_every_file_of_the_folder_is_installed():
    for path in DEPLOY.iterdir():
        assert path == INSTALL or f"deploy/{path.name} " in SCRIPT


def test_the_pythons_are_those_that_the_packages_are_locked_for():
    assert "(3, 11) <= sys.version_info < (3, 14)" in SCRIPT
    assert (3, 11) <= sys.version_info < (3, 14)


def test_the_locked_build_tool_is_found(tmp_path):
    (command,) = re.findall(r"(?m)^(sed -n .*) >", SCRIPT)
    done = subprocess.run(
        ["bash", "-c", command], cwd=DEPLOY.parent, capture_output=True, text=True, check=True
    )
    assert re.fullmatch(r"setuptools==[\d.]+ \\\n( +--hash=sha256:[0-9a-f]{64}( \\)?\n)+", done.stdout)


def test_the_service_gets_the_systems_python_which_no_home_hides_from_it():
    assert "ProtectHome=yes" in UNIT
    (python,) = re.findall(r"(?m)^readonly PYTHON=(.*)$", SCRIPT)
    assert python == "/usr/bin/python3"
    assert not re.findall(r"(?m)(?:^|[;&|] *)python3? ", SCRIPT)


@pytest.mark.parametrize("broken", ["pip is gone", "another python", None])
def test_an_environment_of_another_python_is_made_anew(tmp_path, broken):
    """As after an upgrade of Debian, which takes the packages away with their Python."""
    (step,) = re.findall(r"(?ms)^(\{ \[ \"\$PREFIX.*?--clear \"\$PREFIX\")$", SCRIPT)
    prefix = tmp_path / "opt"
    program = prefix / "bin" / "python"
    program.parent.mkdir(parents=True)
    answer = 1 if broken == "pip is gone" else 0
    ours = tmp_path / "python3"
    ours.write_text(
        f'#!/bin/sh\n[ "$1" = -c ] && exit {answer}\necho "$@" >>{tmp_path}/made\n', encoding="utf-8"
    )
    ours.chmod(0o755)
    program.symlink_to("/bin/true" if broken == "another python" else ours)
    subprocess.run(["bash", "-euc", f"PREFIX={prefix} PYTHON={ours}\n{step}"], check=True, timeout=10)
    made = (tmp_path / "made").read_text(encoding="utf-8") if (tmp_path / "made").exists() else None
    assert made == (None if broken is None else f"-m venv --clear {prefix}\n")


def test_mpremote_is_there_for_the_technician_and_one_that_was_there_stays(tmp_path):
    (step,) = re.findall(r"(?m)^\[ -e .*mpremote.*$", SCRIPT)
    for _again in range(2):
        subprocess.run(
            ["bash", "-euc", f"PREFIX=/opt/fieldgate LINKS={tmp_path}\n{step}"], check=True, timeout=10
        )
    assert (tmp_path / "mpremote").readlink() == Path("/opt/fieldgate/bin/mpremote")
    (tmp_path / "mpremote").unlink()
    (tmp_path / "mpremote").write_text("mine", encoding="utf-8")
    subprocess.run(
        ["bash", "-euc", f"PREFIX=/opt/fieldgate LINKS={tmp_path}\n{step}"], check=True, timeout=10
    )
    assert (tmp_path / "mpremote").read_text(encoding="utf-8") == "mine"
