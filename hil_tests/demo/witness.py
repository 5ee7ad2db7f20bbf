"""An independent look at the octets of a line: what was acknowledged, and what that held.

Shares no code with wire/: RFC 1662 framing is undone here, messages are read by cbor2.
"""

from __future__ import annotations

from binascii import crc32
from io import BytesIO
from typing import TYPE_CHECKING, Any

import cbor2

from hil_tests.demo.identity import Identity, Stream
from hil_tests.demo.publication import HEALTH

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

FLAG = 0x7E
ESCAPE = 0x7D
FLIP = 0x20
FCS_OCTETS = 4
FRAME_OCTETS = 2058  # the longest frame, every octet of it escaped
TEXT_OCTETS = 2000
# docs/link-protocol.md, the numbers of the messages
WELCOME, DESCRIBE, BLOCK, ACK = 1, 2, 3, 4
UNTAKEN = {2, 4, 12}  # codes in place of a value that no chip gave: absent, not_ready, missed


class FrameFinder:
    """The messages of whole frames in octets that come in pieces; all else is passed over."""

    def __init__(self) -> None:
        self._text = b""
        self._pending = b""

    def feed(self, octets: bytes) -> Iterator[bytes]:
        """The messages that these octets complete."""
        *segments, self._pending = (self._pending + octets).split(bytes([FLAG]))
        for segment in segments:
            content = _unescaped(segment)
            message, fcs = content[:-FCS_OCTETS], content[-FCS_OCTETS:]
            if message and crc32(message) == int.from_bytes(fcs, "little"):
                yield message
            elif segment[:1].isascii():
                self._text = (self._text + segment)[-TEXT_OCTETS:]
        if len(self._pending) > FRAME_OCTETS:
            self._text, self._pending = self._pending[-TEXT_OCTETS:], b""

    def console(self) -> bytes:
        """The latest octets that are no frame but text, up to TEXT_OCTETS of them."""
        pending = self._pending if self._pending[:1].isascii() else b""
        return (self._text + pending)[-TEXT_OCTETS:]


def _unescaped(segment: bytes) -> bytes:
    first, *rest = segment.split(bytes([ESCAPE]))
    return first + b"".join(bytes([part[0] ^ FLIP]) + part[1:] for part in rest if part)


def decoded(frame: bytes) -> list[Any]:
    """The one CBOR array in a frame; an empty list where there is something else."""
    stream = BytesIO(frame)
    try:
        found = cbor2.load(stream)
    except (cbor2.CBORDecodeError, ValueError):
        return []
    return found if isinstance(found, list) and not stream.read(1) else []


class LineWitness:
    """Follows one node's line. Seqs of a stream begin at 0 with every boot."""

    def __init__(self, node: str) -> None:
        self.gateways: set[str] = set()  # names of those that said WELCOME
        self._node = node
        self._below: dict[Stream, int] = {}  # the highest next_seq of the ACKs
        self._scans: dict[Identity, int] = {}  # taken ones in each BLOCK that was sent
        self._widths: list[int] = []  # channels of each group; 0 where no chip is behind them
        self._undescribed: list[list[Any]] = []  # BLOCKs before the first DESCRIBE
        self._up = FrameFinder()
        self._down = FrameFinder()

    def acknowledged(self) -> set[Identity]:
        """Every record whose ACK came to the node, those in its gaps included."""
        return {stream.record(seq) for stream, below in self._below.items() for seq in range(below)}

    def acknowledged_scans(self) -> int:
        """Scans in the blocks whose ACK came."""
        return sum(self._scans.get(record, 0) for record in self.acknowledged())

    def last_words(self) -> str:
        """The last line that the node printed; empty when it printed nothing."""
        lines = [line.strip() for line in self._up.console().decode("ascii", "replace").split("\n")]
        return next((line for line in reversed(lines) if line and line.isprintable()), "")

    def down(self, octets: bytes) -> None:
        """These went to the node."""
        for frame in self._down.feed(octets):
            match decoded(frame):
                case [type_, {"gw": str(name)}] if type_ == WELCOME:
                    self.gateways.add(name)
                case [type_, int(boot), int(stream), int(next_seq), int()] if type_ == ACK:
                    of = Stream(self._node, boot, stream)
                    self._below[of] = max(next_seq, self._below.get(of, 0))

    def up(self, octets: bytes) -> None:
        """These came from the node."""
        for frame in self._up.feed(octets):
            match decoded(frame):
                case [type_, {"groups": list(groups)}] if type_ == DESCRIBE:
                    self._widths = [
                        0 if group["name"] == HEALTH else len(group["channels"]) for group in groups
                    ]
                    for block in self._undescribed:
                        self._on_block(block)
                    self._undescribed.clear()
                case [type_, int(), int(), int(), int(), int(), int(), list(), *_] as block if type_ == BLOCK:
                    self._on_block(block)

    def _on_block(self, block: list[Any]) -> None:
        _type, boot, stream, seq, group, _t_first, _span, values, *rest = block
        if group < len(self._widths):
            exceptions = rest[0] if rest else {}
            self._scans[Identity(self._node, boot, stream, seq)] = scans_taken(
                len(values), exceptions, self._widths[group]
            )
        else:
            self._undescribed.append(block)


def scans_taken(values: int, exceptions: Mapping[int, int], width: int) -> int:
    """Scans of `width` channels, but those for which the chip was not asked or had nothing."""
    if not width:
        return 0
    untaken = sum(
        all(exceptions.get(first + channel) in UNTAKEN for channel in range(width))
        for first in range(0, values, width)
    )
    return values // width - untaken
