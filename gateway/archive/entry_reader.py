"""Entries out of a foreign file: every length, field and check sum is looked at.

Unknown keys of maps are ignored, so that a later version may add some.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from gateway import fast_decode
from gateway.archive.entries import FORMAT, VERSION, DescriptorBody, End, Entry, Header, Kind
from gateway.archive.errors import BadEntry
from gateway.host_boot import HostBootRecord
from gateway.host_piece import PIECES, pieces_of, text_of
from gateway.node_clock import Exchange
from gateway.store.losses import NamedLoss
from gateway.store.records import Stored, checksum
from gateway.timeline import KeptExchange
from wire import cbor, fields, up, up_fields
from wire.errors import WireError

if TYPE_CHECKING:
    from collections.abc import Callable

HASH_OCTETS = 32  # SHA-256
NS_LIMIT = (1 << 63) - 1  # of a clock, as the store can hold it
MACHINE = re.compile(r"[!-~]{0,64}")
BOOT_ID = re.compile(r"[!-~]{1,64}")  # the kernel's, 36 characters
GATEWAY_OCTETS = 256  # of a name; a host's has at most 253

_I64 = 1 << 63


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


def _header(items: list[Any]) -> Header:
    keyed = fields.mapping(items[1], "HEADER")
    if keyed.get("format") != FORMAT:
        raise fields.bad("HEADER.format", f"not {FORMAT}")
    version = fields.uint(keyed.get("version"), "HEADER.version", fields.SEQ_LIMIT)
    if version != VERSION:
        raise BadEntry("version", f"version {version}, this program reads {VERSION}")
    made_ns = keyed.get("made_ns")
    return Header(
        gateway=_name(keyed.get("gateway")),
        machine=_matching(MACHINE, keyed.get("machine"), "HEADER.machine"),
        made_ns=None if made_ns is None else fields.uint(made_ns, "HEADER.made_ns", NS_LIMIT),
    )


def _name(value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value.encode()) <= GATEWAY_OCTETS:
        raise fields.bad("HEADER.gateway", f"not a text of 1 to {GATEWAY_OCTETS} octets")
    return value


def _host_boot(items: list[Any]) -> HostBootRecord:
    keyed = fields.mapping(items[1], "HOST_BOOT")
    offset_ns = keyed.get("offset_ns")

    def ns(key: str) -> int:
        return fields.uint(keyed.get(key), f"HOST_BOOT.{key}", NS_LIMIT)

    return HostBootRecord(
        number=fields.uint(keyed.get("number"), "HOST_BOOT.number", fields.SEQ_LIMIT),
        boot_id=_matching(BOOT_ID, keyed.get("boot_id"), "HOST_BOOT.boot_id"),
        machine=_matching(MACHINE, keyed.get("machine"), "HOST_BOOT.machine"),
        seen_ns=ns("seen_ns"),
        realtime_ns=_signed(keyed.get("realtime_ns"), "HOST_BOOT.realtime_ns"),
        offset_ns=None if offset_ns is None else _signed(offset_ns, "HOST_BOOT.offset_ns"),
        uncertainty_ns=ns("uncertainty_ns"),
        first_sync_ns=ns("first_sync_ns"),
        last_sync_ns=ns("last_sync_ns"),
        pieces=_pieces_text(keyed.get("pieces", [])),
    )


def _pieces_text(value: object) -> str:
    pieces = fields.members(value, "HOST_BOOT.pieces", PIECES)
    try:
        return text_of(pieces_of(json.dumps(pieces))) if pieces else ""
    except (ValueError, TypeError) as error:  # TypeError: octets are no JSON
        raise fields.bad("HOST_BOOT.pieces", str(error)) from None


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


def _stored(items: list[Any]) -> Stored:
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
    return fields.octets(value, "uid", up_fields.UID_LEAST, up_fields.UID_MOST)


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
    Kind.HOST_BOOT: (_host_boot, 2),
    Kind.DESCRIPTOR: (_descriptor, 2),
    Kind.EXCHANGE: (_exchange, 8),
    Kind.LOSS: (_loss, 7),
    Kind.RECORD: (_stored, 13),
    Kind.END: (_end, 3),
}
