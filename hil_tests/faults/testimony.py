"""What a store said of itself, and after which operation: what a cut at any later moment must leave."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field
from typing import NamedTuple

from gateway.store import Arrival
from hil_tests.faults.records import Stream


class Acknowledged(NamedTuple):
    """on_committed: the gateway sends these records' ACKs."""

    arrivals: tuple[Arrival, ...]


class Welcomed(NamedTuple):
    """What WELCOME would tell the nodes: they free everything below, as at an ACK."""

    next_seqs: dict[Stream, int]


class Identified(NamedTuple):
    """Ids of acknowledged records, as a sink reads them."""

    ids: dict[tuple[Stream, int], int]


class CursorGiven(NamedTuple):
    """The sink asked for this cursor."""

    sink: str
    cursor: int


class CursorKept(NamedTuple):
    """The commit that has the sink's cursor returned."""

    sink: str
    cursor: int


class Described(NamedTuple):
    """The commit that has the descriptor returned."""


What = Acknowledged | Welcomed | Identified | CursorGiven | CursorKept | Described


class Said(NamedTuple):
    """`position` is the number of operations before it was said."""

    position: int
    what: What


@dataclass(slots=True)
class Testimony:
    """All that was said up to some moment."""

    next_seqs: dict[Stream, int] = field(default_factory=dict)  # acknowledged below
    ids: dict[tuple[Stream, int], int] = field(default_factory=dict)  # of what is acknowledged and kept
    given: dict[str, int] = field(default_factory=dict)
    kept: dict[str, int] = field(default_factory=dict)
    described: bool = False
    acknowledged: int = 0

    def hear(self, said: Said) -> None:
        """Take what was said next."""
        match said.what:
            case Acknowledged(arrivals):
                for each in arrivals:
                    stream = Stream(*each[:3])
                    self.next_seqs[stream] = max(self.next_seqs.get(stream, 0), each.next_seq)
                self.acknowledged += len(arrivals)
            case Welcomed(next_seqs):
                for stream, next_seq in next_seqs.items():
                    self.next_seqs[stream] = max(self.next_seqs.get(stream, 0), next_seq)
            case Identified(ids):
                self.ids.update(ids)
            case CursorGiven(sink, cursor):
                self.given[sink] = max(self.given.get(sink, 0), cursor)
            case CursorKept(sink, cursor):
                self.kept[sink] = max(self.kept.get(sink, 0), cursor)
            case Described():
                self.described = True

    def copy(self) -> Testimony:
        """As it is now, apart from this one."""
        return deepcopy(self)
