"""How the store is, and what it did."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class StoreState(StrEnum):
    """Whether records are taken."""

    UNOPENED = "unopened"  # it cannot be opened now; it is tried again and again
    OPEN = "open"
    DEGRADED = "degraded"  # nothing can be made durable now; it is tried again and again
    FAILED = "failed"  # a mistake in this program ended the writer
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """How the store is, and why."""

    state: StoreState
    detail: str = ""


@dataclass(slots=True, kw_only=True)
class Counts:
    """What the writer did since the start. Written by its thread only."""

    commits: int = 0
    committed: int = 0  # records
    refused: int = 0  # records
    failures: int = 0  # commits and checkpoints that failed
    octets: int = 0  # of the committed records, as they lie in the file
