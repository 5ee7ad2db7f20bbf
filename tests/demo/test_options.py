import os
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.failure import ExitCode
from hil_tests.demo.cli import demo

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--nodes", "0"], "0 is not in the range 1<=x<=50"),
        (["--nodes", "51"], "51 is not in the range 1<=x<=50"),
        (["--seconds", "0"], "0.0 is not in the range x>0"),
        (["--seconds", "nan"], "nan is no time; without the option Ctrl-C ends it"),
        (["--seconds", "inf"], "inf is no time; without the option Ctrl-C ends it"),
        (["--broker", "localhost:1883"], "must be mqtt://HOST[:PORT]"),
        (["--broker", "mqtts://localhost"], "the demo speaks without TLS"),
        (["--capture", "/dev/null/captured"], "/dev/null/captured: Not a directory"),
    ],
)
def test_what_cannot_be_done_is_refused_before_anything_starts(arguments, said):
    result = CliRunner().invoke(demo, arguments)
    assert result.exit_code == ExitCode.USAGE
    assert said in result.output


def test_an_installed_demo_says_where_it_works(tmp_path, monkeypatch):
    monkeypatch.setattr("hil_tests.interpreters._BIN", tmp_path / "bin")
    result = CliRunner().invoke(demo, ["--nodes", "1", "--seconds", "1"])
    assert result.exit_code == ExitCode.FAULT
    error, step = result.stderr.splitlines()
    assert error.startswith(f"error: the demo runs in a checkout, and {tmp_path}/bin/")
    assert step == "next step: scripts/demo in a checkout fetches what it needs"


def test_the_script_works_from_any_folder_and_by_any_name(tmp_path):
    link = tmp_path / "demo"
    link.symlink_to(ROOT / "scripts" / "demo")
    done = subprocess.run(
        [link, "--help"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        timeout=10,
        env={**os.environ, "COLUMNS": "80"},
    )
    assert done.stdout.startswith("Usage: fieldgate demo [OPTIONS]")
