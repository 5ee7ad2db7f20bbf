"""What stands in an archive: values, their CBOR, and the checks of what comes out of a foreign file.

Every entry is an array that begins with its kind; docs/archive.cddl has them all.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from gateway import fast_decode
from gateway.archive.container import ENTRY_OCTETS
from gateway.archive.errors import BadEntry
from gateway.host_boot import HostBootRecord
from gateway.node_clock import Exchange
from gateway.store.records import Stored, checksum
from gateway.timeline import KeptExchange
from wire import cbor, fields, up
from wire.errors import WireError

if TYPE_CHECKING:
    from collections.abc import Callable

FORMAT = "fieldgate-archive"
VERSION = 1
HASH_OCTETS = 32  # SHA-256
NS_LIMIT = (1 << 63) - 1  # of a clock, as the store can hold it
MACHINE = re.compile(r"[!-~]{0,64}")
BOOT_ID = re.compile(r"[!-~]{1,64}")  # the kernel's, 36 characters
GATEWAY = re.compile(r"[^\x00-\x1f+#/]{1,64}")

_I64 = 1 << 63


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
class NamedLoss:
    """Seqs that the gateway knew to be lost, and why."""

    uid: bytes
    boot: int
    stream: int
    seq: int
    next_seq: int
    reason: str


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
            return cbor.encode(_record_items(entry), limit=ENTRY_OCTETS)
        case Header():
            items: list[object] = [Kind.HEADER.value, _header_map(entry)]
        case HostBootRecord():
            items = _host_boot_items(entry)
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


def decode(octets: bytes) -> tuple[Kind, Entry]:
    """The entry in these octets. Raises BadEntry: a wrong length, field or check sum, another version."""
    try:
        items: Any = cbor.decode(octets)
        if not isinstance(items, list) or not items:
            raise BadEntry("entry", "an entry is an array that begins with its kind")
        kind = fields.uint(items[0], "kind", max(Kind))
        read, count = _READERS[kind]
        if len(items) != count:
            raise BadEntry("entry", f"{Kind(kind).name} has {len(items)} items, not {count}")
        return Kind(kind), read(items)
    except WireError as error:
        raise BadEntry("entry", str(error)) from None


def _record_items(stored: Stored) -> list[object]:
    return [Kind.RECORD.value, stored.id, *stored[:10], checksum(stored, stored.id)]


def _header_map(header: Header) -> dict[str, object]:
    return {
        "format": FORMAT,
        "version": header.version,
        "gateway": header.gateway,
        "machine": header.machine,
        "made_ns": header.made_ns,
    }


def _host_boot_items(boot: HostBootRecord) -> list[object]:
    return [
        Kind.HOST_BOOT.value,
        boot.number,
        boot.boot_id,
        boot.machine,
        boot.seen_ns,
        boot.realtime_ns,
        boot.offset_ns,
        boot.uncertainty_ns,
        boot.first_sync_ns,
        boot.last_sync_ns,
    ]


def _header(items: list[Any]) -> Header:
    keyed = fields.mapping(items[1], "HEADER")
    if keyed.get("format") != FORMAT:
        raise fields.bad("HEADER.format", f"not {FORMAT}")
    version = fields.uint(keyed.get("version"), "HEADER.version", fields.SEQ_LIMIT)
    if version != VERSION:
        raise BadEntry("version", f"version {version}, this program reads {VERSION}")
    made_ns = keyed.get("made_ns")
    return Header(
        gateway=_matching(GATEWAY, keyed.get("gateway"), "HEADER.gateway"),
        machine=_matching(MACHINE, keyed.get("machine"), "HEADER.machine"),
        made_ns=None if made_ns is None else fields.uint(made_ns, "HEADER.made_ns", NS_LIMIT),
    )


def _host_boot(items: list[Any]) -> HostBootRecord:
    offset_ns = items[6]
    return HostBootRecord(
        number=fields.uint(items[1], "HOST_BOOT.number", fields.SEQ_LIMIT),
        boot_id=_matching(BOOT_ID, items[2], "HOST_BOOT.boot_id"),
        machine=_matching(MACHINE, items[3], "HOST_BOOT.machine"),
        seen_ns=fields.uint(items[4], "HOST_BOOT.seen_ns", NS_LIMIT),
        realtime_ns=_signed(items[5], "HOST_BOOT.realtime_ns"),
        offset_ns=None if offset_ns is None else _signed(offset_ns, "HOST_BOOT.offset_ns"),
        uncertainty_ns=fields.uint(items[7], "HOST_BOOT.uncertainty_ns", NS_LIMIT),
        first_sync_ns=fields.uint(items[8], "HOST_BOOT.first_sync_ns", NS_LIMIT),
        last_sync_ns=fields.uint(items[9], "HOST_BOOT.last_sync_ns", NS_LIMIT),
    )


def _descriptor(items: list[Any]) -> DescriptorBody:
    return DescriptorBody(body=fields.octets(items[1], "DESCRIPTOR.body", 1, fields.MESSAGE_OCTETS))


def _exchange(items: list[Any]) -> KeptExchange:
    return KeptExchange(
        uid=_uid(items[1]),
        boot=_boot(items[2]),
        host_boot=fields.uint(items[3], "EXCHANGE.host_boot", fields.SEQ_LIMIT),
        exchange=Exchange(
            t1_ns=fields.uint(items[4], "EXCHANGE.t1_ns", NS_LIMIT),
            t2_us=fields.uint(items[5], "EXCHANGE.t2_us", fields.TICKS_LIMIT),
            t3_us=fields.uint(items[6], "EXCHANGE.t3_us", fields.TICKS_LIMIT),
            t4_ns=fields.uint(items[7], "EXCHANGE.t4_ns", NS_LIMIT),
        ),
    )


def _loss(items: list[Any]) -> NamedLoss:
    seq, next_seq = _seqs(items[4], items[5])
    return NamedLoss(
        uid=_uid(items[1]),
        boot=_boot(items[2]),
        stream=fields.uint(items[3], "stream", fields.STREAM_LIMIT),
        seq=seq,
        next_seq=next_seq,
        reason=fields.text(items[6], "LOSS.reason"),
    )


def _record(items: list[Any]) -> Stored:
    seq, next_seq = _seqs(items[5], items[6])
    stored = Stored(
        uid=_uid(items[2]),
        boot=_boot(items[3]),
        stream=fields.uint(items[4], "stream", fields.STREAM_LIMIT),
        seq=seq,
        next_seq=next_seq,
        kind=fields.uint(items[7], "RECORD.kind", up.Gap.TYPE),
        message=fields.octets(items[8], "RECORD.message", 1, fields.MESSAGE_OCTETS),
        descriptor=fields.octets(items[9], "RECORD.descriptor", up.HASH_OCTETS, up.HASH_OCTETS),
        host_boot=fields.uint(items[10], "RECORD.host_boot", fields.SEQ_LIMIT),
        arrived_ns=fields.uint(items[11], "RECORD.arrived_ns", NS_LIMIT),
        id=fields.uint(items[1], "RECORD.id", NS_LIMIT),
    )
    if items[12] != checksum(stored, stored.id):
        raise BadEntry("entry", "the record's check sum is wrong")
    message = fast_decode.decode(stored.message)
    if (
        not isinstance(message, (up.Block, up.Gap))
        or stored.kind != message.TYPE
        or (message.boot, message.stream, message.seq, message.next_seq) != stored[1:5]
    ):
        raise BadEntry("entry", "the record's message is of another record")
    return stored


def _end(items: list[Any]) -> End:
    return End(
        records=fields.uint(items[1], "END.records", NS_LIMIT),
        sha256=fields.octets(items[2], "END.sha256", HASH_OCTETS, HASH_OCTETS),
    )


def _uid(value: object) -> bytes:
    return fields.octets(value, "uid", up.UID_LEAST, up.UID_MOST)


def _boot(value: object) -> int:
    return fields.uint(value, "boot", fields.BOOT_LIMIT)


def _seqs(seq: object, next_seq: object) -> tuple[int, int]:
    first = fields.uint(seq, "seq", fields.SEQ_LIMIT)
    following = fields.uint(next_seq, "next_seq", fields.SEQ_LIMIT + 1)
    if following <= first:
        raise fields.bad("next_seq", "not above seq")
    return first, following


def _signed(value: object, name: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not -_I64 <= value < _I64:
        raise fields.bad(name, "not an integer of 64 bits")
    return value


def _matching(pattern: re.Pattern[str], value: object, name: str) -> str:
    if not isinstance(value, str) or pattern.fullmatch(value) is None:
        raise fields.bad(name, "not such a text")
    return value


_READERS: dict[int, tuple[Callable[[list[Any]], Entry], int]] = {
    Kind.HEADER: (_header, 2),
    Kind.HOST_BOOT: (_host_boot, 10),
    Kind.DESCRIPTOR: (_descriptor, 2),
    Kind.EXCHANGE: (_exchange, 8),
    Kind.LOSS: (_loss, 7),
    Kind.RECORD: (_record, 13),
    Kind.END: (_end, 3),
}
