"""The fixture `runtime`: the same vectors through CPython and through the real MicroPython.

Import it in a conftest.py, take it in a test, and every test runs once per interpreter:

    def test_x(runtime):
        assert runtime.values("drivers.bme280_trim:centi_celsius", [[128422]]) == [2508]

A function that both runtimes can import may stand anywhere in the checkout, `tests/` included.
"""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import pytest

from hil_tests.interpreters import Kind, ProgramMissing, micropython
from tests import vector_runner

ROOT = Path(__file__).resolve().parent.parent
RUN = "from tests.vector_runner import main; main()"  # not the file: its folder would be searched first
ANSWER_WITHIN_S = 9.0

Case = Sequence[Any]


class Runtime(Protocol):
    """One interpreter. `function` is "module:name"; arguments and results are what JSON carries,
    and bytes, which vectors write as {"hex": "..."} (see vector_runner)."""

    name: str

    def answers(self, function: str, cases: Sequence[Case]) -> list[dict[str, Any]]:
        """One {"value": ...} or {"raises": class name, "message", "reason", "fault"} per case."""

    def values(self, function: str, cases: Sequence[Case]) -> list[Any]:
        """The values alone; an exception in the function fails the test."""


class _Runtime:
    name = ""

    def answers(self, function: str, cases: Sequence[Case]) -> list[dict[str, Any]]:
        question = {"function": function, "cases": [vector_runner.encoded(c) for c in cases]}
        request = json.dumps(question, ensure_ascii=False)  # MicroPython joins no surrogate pairs
        answers = json.loads(self._run(request))
        assert len(answers) == len(cases)
        return answers

    def values(self, function: str, cases: Sequence[Case]) -> list[Any]:
        answers = self.answers(function, cases)
        failed = [(c, a) for c, a in zip(cases, answers, strict=True) if "value" not in a]
        assert not failed, f"{function} on {self.name}: {failed[:3]}"
        return [vector_runner.decoded(answer["value"]) for answer in answers]

    def _run(self, request: str) -> str:
        raise NotImplementedError


class CPython(_Runtime):
    name = f"CPython {sys.version_info.major}.{sys.version_info.minor}"

    def _run(self, request: str) -> str:
        return json.dumps(vector_runner.answers(json.loads(request)))


class MicroPython(_Runtime):
    """`heap` limits the interpreter's heap, such as "100k"."""

    def __init__(self, program: Path, name: str, heap: str = "1m") -> None:
        self.name = name
        self._command = [str(program), "-X", f"heapsize={heap}", "-c", RUN]

    def _run(self, request: str) -> str:
        done = subprocess.run(
            self._command,
            input=request,
            cwd=ROOT,
            env={**os.environ, "MICROPYPATH": f"{ROOT}:.frozen"},
            capture_output=True,
            encoding="utf-8",
            timeout=ANSWER_WITHIN_S,
            check=False,
        )
        assert done.returncode == 0, f"{self.name}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
        return done.stdout


def micropython_32_bit() -> MicroPython:
    """The one with the ESP32's small integers; skips the test where scripts/setup did not run."""
    return _micropython("32-bit")


def _micropython(kind: Kind) -> MicroPython:
    try:
        return MicroPython(micropython(kind), f"MicroPython {kind}")
    except ProgramMissing as missing:
        pytest.skip(str(missing))


def _kinds() -> list[str]:
    # On a kernel without 32-bit programs two names start the same one: once is enough.
    try:
        same = micropython().read_bytes() == micropython("native").read_bytes()
    except ProgramMissing:
        same = False
    return ["cpython", "32-bit", "single-float"] if same else ["cpython", "32-bit", "single-float", "native"]


@pytest.fixture(scope="session", params=_kinds())
def runtime(request: pytest.FixtureRequest) -> Runtime:
    """Each interpreter in turn."""
    return CPython() if request.param == "cpython" else _micropython(request.param)
