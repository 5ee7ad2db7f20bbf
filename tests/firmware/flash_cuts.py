"""The power is cut in every operation that a board's recorded flash has seen: what would start then?"""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from hil_tests.board.shim import shim_directory
from hil_tests.interpreters import micropython
from tests.firmware.node import ROOT, STANDIN

CHILD = Path(__file__).with_name("cut_flash") / "judge.py"
LIMIT_S = 100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """See cut_flash/judge.py."""

    cuts: int
    whole: int
    found: list[str]
    states: list[list[str | None]]


def verdict(recording, whole_every):
    """Every cut, judged by the launcher's own code; the slots' octets in one of so many."""
    done = subprocess.run(
        [micropython("native"), "-X", "heapsize=32m", CHILD, recording.base, recording.log, str(whole_every)],
        env={**os.environ, "MICROPYPATH": f"{STANDIN}:{ROOT}:{shim_directory()}:.frozen"},
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return Verdict(**json.loads(done.stdout))
