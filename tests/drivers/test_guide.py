"""The examples of docs/writing-a-driver.md work as they stand there."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.dialect import problems
from wire.faults import ALL

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "docs" / "writing-a-driver.md").read_text(encoding="utf-8")
EXAMPLES = dict(re.findall(r"```python\n# (\S+)\n(.*?)```", GUIDE, re.DOTALL))
DRIVER, CHIP, TESTS = "drivers/tmp117.py", "hil_tests/chips/tmp117.py", "tests/drivers/test_tmp117.py"


@pytest.fixture
def checkout(tmp_path):
    """A folder where the examples are what their first lines say, beside the true packages."""
    for package in ("drivers", "hil_tests", "tests", "wire"):
        for source in (ROOT / package).rglob("*.py"):
            if "board" in source.parts or "gateway" in source.parts:
                continue
            copy = tmp_path / source.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(source.read_bytes())
    for path, source in EXAMPLES.items():
        (tmp_path / path).write_text(source)
    (tmp_path / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    return tmp_path


def run(checkout, *arguments):
    done = subprocess.run(
        [sys.executable, "-m", *arguments], cwd=checkout, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


def test_the_guide_has_a_driver_a_chip_and_tests():
    assert list(EXAMPLES) == [DRIVER, CHIP, TESTS]


def test_the_example_runs_on_micropython():
    assert problems(EXAMPLES[DRIVER]) == []


@pytest.mark.timeout(60)  # a pytest of its own, with both runtimes
def test_the_examples_tests_pass(checkout):
    status, output = run(checkout, "pytest", "-q", "-p", "no:cacheprovider", TESTS)
    assert status == 0, output
    assert "13 passed" in output


def test_the_guide_names_every_fault_a_driver_may_return():
    # BUS is the owner's word for an OSError, MISSED the sampler's.
    names = {fault.name.upper() for fault in ALL} - {"BUS", "MISSED"}
    assert {name for name in names if f"`{name}`" not in GUIDE} == set()
