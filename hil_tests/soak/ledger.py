"""The ledger: one line of JSON for each round, so that a count can be traced to a commit and a seed."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from hil_tests.soak.mechanisms import Tally

ROOT = Path(__file__).resolve().parents[2]
DEFAULT = ROOT / "benchmarks" / "soak.jsonl"


def append(ledger: Path, mechanism: str, seed: int, tally: Tally, *, seconds: float) -> None:
    """Add one round. Raises OSError."""
    entry = {
        "date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "commit": commit(),
        "machine": machine(),
        "mechanism": mechanism,
        "seed": seed,
        "cuts": tally.cuts,
        "rows": tally.rows,
        "losses": tally.lost,
        "mistakes": len(tally.mistakes),
        "seconds": round(seconds, 1),
        "note": tally.note,
    }
    with ledger.open("a", encoding="utf-8") as file:
        file.write(json.dumps(entry) + "\n")


def commit(root: Path = ROOT) -> str:
    """The checkout's commit; with a plus where files other than the ledger differ; empty without git."""
    beside = f":(exclude){DEFAULT.relative_to(ROOT)}"  # each round adds a line to it
    try:
        name = _git(root, "describe", "--always", "--exclude=*")
        changed = _git(root, "status", "--porcelain", "--untracked-files=no", "--", ".", beside)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return f"{name}+" if changed else name


def _git(root: Path, *arguments: str) -> str:
    command = ["git", "-C", str(root), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def machine() -> str:
    """What a count was made on; no host's name."""
    return (
        f"{platform.system()} {platform.release().split('-')[0]} {platform.machine()}, {os.cpu_count()} CPUs"
    )
