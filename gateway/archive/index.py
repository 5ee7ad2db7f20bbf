"""What is in an archive, told before anything of it is used."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gateway.archive.entries import DescriptorBody, End, Header
from gateway.archive.errors import ArchiveError
from gateway.archive.reader import entries
from gateway.host_boot import HostBootRecord
from gateway.store.losses import NamedLoss
from gateway.store.records import Stored
from gateway.store.seq_ranges import SeqRanges
from gateway.timeline import KeptExchange
from wire import up

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Key = tuple[bytes, int, int]  # uid, boot, stream

STREAMS_LIMIT = 32_768
RANGES_LIMIT = 262_144  # of all streams: what is in memory while an archive is read


@dataclass(slots=True, kw_only=True)
class Index:
    """All of a whole archive but its records; of these, which seqs there are."""

    header: Header
    host_boots: list[HostBootRecord] = field(default_factory=list)
    descriptors: int = 0
    exchanges: int = 0
    losses: dict[Key, list[NamedLoss]] = field(default_factory=dict)
    readings: dict[Key, SeqRanges] = field(default_factory=dict)
    records: int = 0
    octets: int = 0  # of the records' messages
    sha256: bytes = b""  # of the content


def verify(path: Path, advance: Callable[[int], None] | None = None) -> Index:
    """Read all of an archive and check it. Raises ArchiveError and OSError. `advance`: see `entries`."""
    found = entries(path, advance)
    header = next(found, None)
    assert isinstance(header, Header)  # the reader gives it first or raises
    index = Index(header=header)
    ranges = _Ranges(index)
    for number, entry in enumerate(found, 1):
        match entry:
            case Stored():
                index.records += 1
                index.octets += len(entry.message)
                if not ranges.add(entry):
                    detail = f"over {STREAMS_LIMIT} streams, or over {RANGES_LIMIT} holes in them"
                    raise ArchiveError("limit", detail, entry=number)
            case HostBootRecord():
                index.host_boots.append(entry)
            case NamedLoss():
                index.losses.setdefault((entry.uid, entry.boot, entry.stream), []).append(entry)
            case KeptExchange():
                index.exchanges += 1
            case DescriptorBody():
                index.descriptors += 1
            case End():
                index.sha256 = entry.sha256
    return index


class _Ranges:
    """Notes the seqs of readings, in bounded memory."""

    def __init__(self, index: Index) -> None:
        self._readings = index.readings
        self._count = 0

    def add(self, stored: Stored) -> bool:
        """False when there are too many streams, or too many holes."""
        ranges = self._readings.setdefault(stored[:3], SeqRanges())
        if stored.kind == up.Block.TYPE:
            before = len(ranges)
            ranges.add(stored.seq, stored.next_seq)
            self._count += len(ranges) - before
        return self._count <= RANGES_LIMIT and len(self._readings) <= STREAMS_LIMIT
