"""What a bad line does to octets, exactly as its seed says; no I/O."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

FLAG = b"\x7e"
FIRST_OF_FRAME = 0x80  # text between frames begins lower
SEGMENT_LIMIT = 4096  # octets without a flag; more are no frame


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """What one direction suffers: shares of all octets, the share of frames with one octet damaged."""

    flipped: float = 0.0
    lost: float = 0.0
    doubled: float = 0.0
    frames: float = 0.0
    delay_s: float = 0.0


@dataclass(slots=True, kw_only=True)
class Damaged:
    """Counts of one direction. A frame's one damaged octet is in the octets' counts, too."""

    octets: int = 0
    frames: int = 0
    damaged_frames: int = 0
    flipped: int = 0
    lost: int = 0
    doubled: int = 0


class Damage:
    """Octets in, damaged octets out; no I/O.

    The same seed damages the same frames in the same way, however their octets are cut into
    pieces; a higher share damages those and more.
    """

    def __init__(self, seed: str, faults: Faults) -> None:
        self.faults = faults
        self.count = Damaged()
        self._frames = Random(f"{seed} frames")
        self._octets = Random(f"{seed} octets")
        self._segment = bytearray()
        self._through = False  # up to the next flag nothing is held

    @property
    def holding(self) -> bool:
        """Whether the beginning of a segment waits for its end."""
        return bool(self._segment)

    def feed(self, octets: bytes) -> bytes:
        """Take what came; give what may go on."""
        self.count.octets += len(octets)
        out = bytearray()
        *whole, rest = octets.split(FLAG)
        for part in whole:
            out += part if self._through else self._damaged_segment(bytes(self._segment) + part)
            out += FLAG
            self._segment.clear()
            self._through = False
        if self._through:
            out += rest
        else:
            self._segment += rest
            if self._segment and (self._segment[0] < FIRST_OF_FRAME or len(self._segment) > SEGMENT_LIMIT):
                out += self._let_through()
        return self._noisy(bytes(out))

    def flush(self) -> bytes:
        """Let go what waits: it was no frame."""
        return self._noisy(self._let_through() if self._segment else b"")

    def _let_through(self) -> bytes:
        # No frame: what is left of it until the next flag need not wait.
        segment = bytes(self._segment)
        self._segment.clear()
        self._through = True
        return segment

    def _damaged_segment(self, segment: bytes) -> bytes:
        if not segment or segment[0] < FIRST_OF_FRAME:
            return segment
        self.count.frames += 1
        # All four are drawn for every frame, so that one frame's fate does not move the next one's.
        hit = self._frames.random() < self.faults.frames
        kind = self._frames.randrange(3)
        at = int(self._frames.random() * len(segment))
        bit = self._frames.randrange(8)
        if not hit:
            return segment
        self.count.damaged_frames += 1
        return segment[:at] + self._damaged_octet(segment[at], kind, bit) + segment[at + 1 :]

    def _damaged_octet(self, octet: int, kind: int, bit: int) -> bytes:
        if kind == 0:
            self.count.flipped += 1
            return bytes((octet ^ 1 << bit,))
        if kind == 1:
            self.count.lost += 1
            return b""
        self.count.doubled += 1
        return bytes((octet, octet))

    def _noisy(self, octets: bytes) -> bytes:
        faults = self.faults
        if not (faults.flipped or faults.lost or faults.doubled):
            return octets
        limits = (faults.flipped, faults.flipped + faults.lost, faults.flipped + faults.lost + faults.doubled)
        out = bytearray()
        for octet in octets:
            drawn = self._octets.random()
            kind = sum(drawn >= limit for limit in limits)
            out += bytes((octet,)) if kind == 3 else self._damaged_octet(octet, kind, int(drawn * 1e9) % 8)
        return bytes(out)
