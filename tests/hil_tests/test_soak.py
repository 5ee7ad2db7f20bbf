"""hil_tests/soak: it counts, it says when something is lost, and how to have that again."""

import json
import logging
import subprocess

import pytest

from hil_tests.faults import mistakes
from hil_tests.soak import ledger
from hil_tests.soak.__main__ import main

CUTS = 200


@pytest.fixture
def soak(tmp_path, monkeypatch):
    """Run it; give its exit code and the ledger's lines."""

    def run(*arguments):
        ledger = tmp_path / "soak.jsonl"
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr("sys.argv", ["soak", "--ledger", str(ledger), *arguments])
        code = main()
        return code, [json.loads(line) for line in ledger.read_text().splitlines()] if ledger.exists() else []

    yield run
    logging.disable(logging.NOTSET)


def test_counts_are_added_to_the_ledger(soak):
    for _ in range(2):
        code, lines = soak("--only", "images", "--seed", "7", "--cuts", str(CUTS))
        assert code == 0
    assert len(lines) == 2
    assert lines[0] | {"date": 0, "seconds": 0} == lines[1] | {"date": 0, "seconds": 0}
    found = {key: lines[0][key] for key in ("mechanism", "seed", "cuts", "losses", "mistakes")}
    assert found == {"mechanism": "images", "seed": 7, "cuts": CUTS, "losses": 0, "mistakes": 0}
    assert lines[0]["rows"] > 0


def test_a_loss_is_an_exit_code_and_a_command_that_repeats_it(soak, capsys):
    with mistakes.synchronous_normal():
        code, lines = soak("--only", "images", "--seed", "7", "--cuts", str(CUTS))
    assert code == 1
    assert lines[0]["losses"] > 0
    assert f"again: scripts/soak --only images --seed 7 --cuts {CUTS}" in capsys.readouterr().out


def test_one_image_can_be_looked_at(soak, capsys, tmp_path):
    code, lines = soak("--image", "7:100")
    assert (code, lines) == (0, [])
    assert "image 100 of history 7" in capsys.readouterr().out
    assert (tmp_path / "crash-image" / "store.db").exists()


def test_a_count_is_of_a_commit_unless_other_files_than_the_ledger_differ(tmp_path):
    def git(*arguments):
        who = ("-c", "user.name=soak", "-c", "user.email=soak@example.org")
        subprocess.run(["git", "-C", tmp_path, *who, *arguments], check=True, capture_output=True)

    assert ledger.commit(tmp_path) == ""
    counted, code = tmp_path / "benchmarks" / "soak.jsonl", tmp_path / "code.py"
    counted.parent.mkdir()
    counted.touch()
    code.touch()
    git("init")
    git("add", ".")
    git("commit", "-m", "begin")
    commit = ledger.commit(tmp_path)
    assert len(commit) >= 7
    counted.write_text("a round\n")
    assert ledger.commit(tmp_path) == commit
    code.write_text("changed\n")
    assert ledger.commit(tmp_path) == commit + "+"
