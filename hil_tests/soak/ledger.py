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


def commit() -> str:
    """The checkout's commit; with a plus where files differ from it; empty where there is no git."""
    try:
        return subprocess.run(
            ["git", "-C", str(ROOT), "describe", "--always", "--dirty=+", "--exclude=*"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def machine() -> str:
    """What a count was made on; no host's name."""
    return (
        f"{platform.system()} {platform.release().split('-')[0]} {platform.machine()}, {os.cpu_count()} CPUs"
    )
