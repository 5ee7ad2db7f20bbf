"""Gateways with a mistake on purpose. The fault tests must find each out; if not, they prove nothing.

As a program: `python -m hil_tests.faults.mistakes NAME run ...` is the command `fieldgate` with it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from gateway.cli import main
from gateway.store import Arrival
from gateway.store.database import Database
from gateway.store.writer import Writer
from hil_tests.hasty_gateway import take_hastily
from wire.intake import Intake

if TYPE_CHECKING:
    from gateway.store.work import Work

_NORMAL = 1  # PRAGMA synchronous
_write = Writer._write


@contextmanager
def synchronous_normal() -> Iterator[None]:
    """A commit returns before its WAL is synced: a power cut takes what was acknowledged."""
    with patch("gateway.store.database.FULL", _NORMAL):
        yield


@contextmanager
def no_checkpoint_at_open() -> Iterator[None]:
    """What a former process could not sync is built upon as if it had been."""
    with patch.object(Database, "recover", Database._roll_back):
        yield


@contextmanager
def former_wal_trusted() -> Iterator[None]:
    """The first checkpoint builds upon frames of a former process that may not be on the disk."""
    with patch("gateway.store.database.settle", lambda *_path: None):
        yield


@contextmanager
def welcome_before_proof() -> Iterator[None]:
    """WELCOME tells the nodes to free what a former process may not have brought to the disk."""
    with patch.object(Writer, "require_proof", lambda _self: None):
        yield


@contextmanager
def ack_before_commit() -> Iterator[None]:
    """The node frees its records before they are written."""

    def write(self: Writer, arrivals: list[Arrival], work: dict[str, Work]) -> Any:
        if arrivals:
            self._call(self._on_committed, arrivals)
        return _write(self, arrivals, work)

    with patch.object(Writer, "_write", write):
        yield


@contextmanager
def ack_at_once() -> Iterator[None]:
    """As above, and for as long as a commit waits for more records: what a SIGKILL finds."""
    with patch.object(Intake, "take", take_hastily):
        yield


ALL = {
    each.__name__: each
    for each in (
        synchronous_normal,
        no_checkpoint_at_open,
        former_wal_trusted,
        welcome_before_proof,
        ack_before_commit,
        ack_at_once,
    )
}

if __name__ == "__main__":
    with ALL[sys.argv.pop(1)]():
        main()
