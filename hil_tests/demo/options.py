"""What the command line said."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """`seconds` None: until a signal comes. `broker` None: one of the demo's own."""

    nodes: int
    seconds: float | None = None
    broker: str | None = None
    capture: Path | None = None
    quiet: bool = False  # standard output belongs to the ledger
    picture: Path | None = None
