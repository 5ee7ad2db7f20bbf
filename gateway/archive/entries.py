"""What stands in an archive: values, and their CBOR.

Every entry is an array that begins with its kind; docs/archive.cddl has them all.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import cbor2

from gateway.archive.container import ENTRY_OCTETS
from gateway.host_boot import HostBootRecord
from gateway.host_piece import pieces_of
from gateway.store.losses import NamedLoss
from gateway.store.records import Stored, checksum
from gateway.timeline import KeptExchange
from wire import cbor
from wire.errors import WireError

FORMAT = "fieldgate-archive"
VERSION = 1


class Kind(IntEnum):
    """The first item of an entry. Entries stand in the order of their kinds."""

    HEADER = 0
    HOST_BOOT = 1
    DESCRIPTOR = 2
    EXCHANGE = 3
    LOSS = 4
    RECORD = 5
    END = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """Whose records these are. `machine` is whose boots of the host are meant; `made_ns` is UTC."""

    gateway: str
    machine: str
    made_ns: int | None = None  # where the clock was not known: none
    version: int = VERSION


@dataclass(frozen=True, slots=True, kw_only=True)
class DescriptorBody:
    """A descriptor in its encoding; its hash is its name."""

    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """The last entry: how many records there were, and the SHA-256 of all entries before."""

    records: int
    sha256: bytes


Entry = Header | HostBootRecord | DescriptorBody | KeptExchange | NamedLoss | Stored | End


def encode(entry: Entry) -> bytes:
    """The entry's CBOR. Raises WireError for what the format cannot hold."""
    match entry:
        case Stored():
            return _record(entry)
        case Header():
            items: list[object] = [Kind.HEADER.value, _header_map(entry)]
        case HostBootRecord():
            items = [Kind.HOST_BOOT.value, _host_boot_map(entry)]
        case DescriptorBody():
            items = [Kind.DESCRIPTOR.value, entry.body]
        case KeptExchange():
            stamps = entry.exchange
            items = [Kind.EXCHANGE.value, entry.uid, entry.boot, entry.host_boot]
            items += [stamps.t1_ns, stamps.t2_us, stamps.t3_us, stamps.t4_ns]
        case NamedLoss():
            items = [Kind.LOSS.value, entry.uid, entry.boot, entry.stream]
            items += [entry.seq, entry.next_seq, entry.reason]
        case End():
            items = [Kind.END.value, entry.records, entry.sha256]
    return cbor.encode(items, limit=ENTRY_OCTETS)


def _record(stored: Stored) -> bytes:
    # Of integers and octets, cbor2 makes what wire.cbor makes, at C speed.
    octets: bytes = cbor2.dumps([Kind.RECORD.value, stored.id, *stored[:10], checksum(stored, stored.id)])
    if len(octets) > ENTRY_OCTETS:
        raise WireError("too_long", f"a record of {len(octets)} octets, limit {ENTRY_OCTETS}")
    return octets


def _header_map(header: Header) -> dict[str, object]:
    return {
        "format": FORMAT,
        "version": header.version,
        "gateway": header.gateway,
        "machine": header.machine,
        "made_ns": header.made_ns,
    }


def _host_boot_map(boot: HostBootRecord) -> dict[str, object]:
    return {
        "number": boot.number,
        "boot_id": boot.boot_id,
        "machine": boot.machine,
        "seen_ns": boot.seen_ns,
        "realtime_ns": boot.realtime_ns,
        "offset_ns": boot.offset_ns,
        "uncertainty_ns": boot.uncertainty_ns,
        "first_sync_ns": boot.first_sync_ns,
        "last_sync_ns": boot.last_sync_ns,
        "pieces": _pieces(boot.pieces),
    }


def _pieces(text: str) -> list[list[int]]:
    """As numbers. What a later version has stored is left out: what the other fields say is true, too."""
    try:
        return [list(piece) for piece in pieces_of(text)] if text else []
    except ValueError:
        return []
