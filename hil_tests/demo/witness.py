"""An independent look at the octets of a line: what was acknowledged, and what that held.

Shares no code with wire/: RFC 1662 framing is undone here, messages are read by cbor2.
"""

from __future__ import annotations

from binascii import crc32
from dataclasses import dataclass, field
from io import BytesIO
from typing import TYPE_CHECKING, Any

import cbor2

from hil_tests.demo.identity import Identity, Stream

if TYPE_CHECKING:
    from collections.abc import Iterator

FLAG = 0x7E
ESCAPE = 0x7D
FLIP = 0x20
FCS_OCTETS = 4
# docs/link-protocol.md, the numbers of the messages
HELLO, DESCRIBE, BLOCK, ACK, GAP = 0, 2, 3, 4, 5
MISSED = 12  # fault code: no scan was taken in this slot


def frames(octets: bytes) -> Iterator[bytes]:
    """The messages of all whole frames; everything else is left out."""
    for segment in octets.split(bytes([FLAG])):
        content = _unescaped(segment)
        message, fcs = content[:-FCS_OCTETS], content[-FCS_OCTETS:]
        if message and crc32(message) == int.from_bytes(fcs, "little"):
            yield message


def _unescaped(segment: bytes) -> bytes:
    first, *rest = segment.split(bytes([ESCAPE]))
    return first + b"".join(bytes([part[0] ^ FLIP]) + part[1:] for part in rest if part)


def messages(octets: bytes) -> Iterator[list[Any]]:
    """Every frame that holds one CBOR array and nothing after it."""
    for frame in frames(octets):
        stream = BytesIO(frame)
        try:
            found = cbor2.load(stream)
        except (cbor2.CBORDecodeError, ValueError):
            continue
        if isinstance(found, list) and found and not stream.read(1):
            yield found


@dataclass(slots=True, kw_only=True)
class LineEvidence:
    """What went over one node's line. Seqs of a stream begin at 0 with every boot."""

    node: str
    acknowledged_below: dict[Stream, int] = field(default_factory=dict)  # the highest next_seq of its ACKs
    scans: dict[Identity, int] = field(default_factory=dict)  # taken ones in each BLOCK that was sent
    given_up: set[Identity] = field(default_factory=set)  # in GAPs that the node sent

    def acknowledged(self) -> set[Identity]:
        """Every record whose ACK came, those in gaps included."""
        return {
            stream.record(seq) for stream, below in self.acknowledged_below.items() for seq in range(below)
        }

    def acknowledged_scans(self) -> int:
        """Scans in the blocks whose ACK came."""
        return sum(self.scans.get(record, 0) for record in self.acknowledged())


def read_line(node: str, up: bytes, down: bytes) -> LineEvidence:
    """Read all octets of a line, `up` from the node and `down` to it."""
    evidence = LineEvidence(node=node)
    for message in messages(down):
        match message:
            case [type_, int(boot), int(stream), int(next_seq), int()] if type_ == ACK:
                of = Stream(node, boot, stream)
                evidence.acknowledged_below[of] = max(next_seq, evidence.acknowledged_below.get(of, 0))
    widths: list[int] = []  # channels of each group
    blocks: dict[Identity, list[Any]] = {}
    for message in messages(up):
        match message:
            case [type_, dict(descriptor)] if type_ == DESCRIBE:
                widths = [len(group["channels"]) for group in descriptor["groups"]]
            case [type_, int(boot), int(stream), int(seq), int(), *_] if type_ == BLOCK:
                blocks[Identity(node, boot, stream, seq)] = message
            case [type_, int(boot), int(stream), int(seq), int(next_seq), *_] if type_ == GAP:
                of = Stream(node, boot, stream)
                evidence.given_up.update(of.record(each) for each in range(seq, next_seq))
    for identity, block in blocks.items():
        if block[4] < len(widths):
            evidence.scans[identity] = _scans_taken(block, widths[block[4]])
    return evidence


def _scans_taken(block: list[Any], width: int) -> int:
    """Scans in a BLOCK but those whose every value is missing because its slot was missed."""
    exceptions = block[8] if len(block) > 8 else {}  # optional
    scans = len(block[7]) // width
    missed = sum(
        all(exceptions.get(scan * width + channel) == MISSED for channel in range(width))
        for scan in range(scans)
    )
    return scans - missed
