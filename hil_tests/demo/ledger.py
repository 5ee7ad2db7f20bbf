"""The demo's accounts: what was sampled, and where every block of it is at the end."""

from __future__ import annotations

import json
import math
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from collections.abc import Set as AbstractSet

    from hil_tests.demo.identity import Gap, Identity

SHOWN = 20  # identities in the text; the number says how many there are


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What each place of the chain said for itself. Nothing in here is computed from a neighbour.

    `waiting` are the records on disk behind the sink's cursor: stored, not delivered.
    """

    sampled: int  # scans, counted at the emulated chips
    acknowledged: AbstractSet[Identity]  # from the octets of the nodes' lines
    acknowledged_scans: int
    stored: AbstractSet[Identity]  # ever committed, from the store
    delivered: int  # PUBACKs, from the gateway
    received: Sequence[Identity]  # by the subscriber, in its order, with repeats
    gaps: Sequence[Gap]  # by the subscriber
    waiting: AbstractSet[Identity]
    latencies_s: Sequence[float]  # last scan of a block to its receipt, first receipts only
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """The balance. Blocks, but for `sampled` and `in_nodes`, which are scans."""

    sampled: int
    acknowledged: int
    stored: int
    delivered: int
    received: int
    repeats: int
    gaps: int  # records named in gap messages
    lost: tuple[Identity, ...]
    unstored: tuple[Identity, ...]  # acknowledged before they were on disk
    latency_p50_ms: float | None
    latency_p99_ms: float | None
    in_nodes: int
    waiting: int
    remarks: tuple[str, ...]

    @property
    def kept(self) -> bool:
        """Whether every promise was kept."""
        return not self.lost and not self.unstored

    def to_json(self) -> str:
        """One line; `lost` is a number here, `lost_records` names them."""
        return json.dumps(
            {
                "sampled": self.sampled,
                "acknowledged": self.acknowledged,
                "stored": self.stored,
                "delivered": self.delivered,
                "received": self.received,
                "repeats": self.repeats,
                "gaps": self.gaps,
                "lost": len(self.lost),
                "latency_p50_ms": self.latency_p50_ms,
                "latency_p99_ms": self.latency_p99_ms,
                "in_nodes": self.in_nodes,
                "waiting": self.waiting,
                "lost_records": [str(record) for record in self.lost],
                "unstored": len(self.unstored),
                "remarks": list(self.remarks),
            }
        )

    def lines(self) -> Iterator[str]:
        """The ledger as people read it, 80 columns."""
        yield _line("sampled", self.sampled, "scans that the chips gave to the nodes")
        yield _line("in the nodes", self.in_nodes, "scans not acknowledged when the nodes were stopped")
        yield _line("acknowledged", self.acknowledged, "blocks whose ACK went down the nodes' lines")
        yield _line("stored", self.stored, "records on the gateway's disk, now or before delivery")
        yield _line("delivered", self.delivered, "records that the broker confirmed (PUBACK)")
        yield _line("waiting", self.waiting, "records stored and not delivered")
        yield _line("received", self.received, "different blocks that the subscriber got")
        yield _line("repeats", self.repeats, "blocks that it got once more")
        yield _line("gaps", self.gaps, "records that a node gave up and named")
        yield _line("lost", len(self.lost), "acknowledged, and now nowhere to be found")
        yield from _named(self.lost)
        if self.unstored:
            yield _line("not stored", len(self.unstored), "acknowledged before they were on disk")
            yield from _named(self.unstored)
        if self.latency_p50_ms is not None and self.latency_p99_ms is not None:
            median, slow = f"{self.latency_p50_ms:.0f} ms", f"{self.latency_p99_ms:.0f} ms"
            yield f"{'latency':<14}{median:>9}  half of the blocks, 99 % within {slow};"
            yield f"{'':>25}from a block's last scan to the subscriber"
        yield from (f"note: {remark}" for remark in self.remarks)


def _named(records: Sequence[Identity]) -> Iterator[str]:
    yield from (f"{'':>25}{record}" for record in records[:SHOWN])
    if len(records) > SHOWN:
        yield f"{'':>25}... and {len(records) - SHOWN} more"


def _line(name: str, count: int, meaning: str) -> str:
    return f"{name:<14}{count:>9}  {meaning}"


def balance(evidence: Evidence) -> Ledger:
    """Compare what the places of the chain say; `lost` is a comparison of sets, not of counts."""
    received = Counter(evidence.received)
    p50, p99 = (percentile(evidence.latencies_s, share) for share in (0.50, 0.99))
    return Ledger(
        sampled=evidence.sampled,
        acknowledged=len(evidence.acknowledged),
        stored=len(evidence.stored),
        unstored=tuple(sorted(evidence.acknowledged - evidence.stored)),
        delivered=evidence.delivered,
        received=len(received),
        repeats=received.total() - len(received),
        gaps=sum(gap.records for gap in set(evidence.gaps)),
        lost=tuple(sorted(_lost(evidence, received.keys()))),
        latency_p50_ms=None if p50 is None else round(p50 * 1000, 1),
        latency_p99_ms=None if p99 is None else round(p99 * 1000, 1),
        in_nodes=max(0, evidence.sampled - evidence.acknowledged_scans),
        waiting=len(evidence.waiting),
        remarks=evidence.remarks,
    )


def _lost(evidence: Evidence, received: AbstractSet[Identity]) -> set[Identity]:
    """What was acknowledged or must have been, for its successors came, and is nowhere."""
    expected = set(evidence.acknowledged) | below_the_highest(received)
    missing = expected - received - evidence.waiting
    gaps = set(evidence.gaps)
    return {record for record in missing if not any(gap.names(record) for gap in gaps)}


def below_the_highest(records: Iterable[Identity]) -> set[Identity]:
    """Every record from 0 up to the highest of each stream: a stream has no holes."""
    highest: defaultdict[object, int] = defaultdict(int)
    streams = {record.of for record in records}
    for record in records:
        highest[record.of] = max(highest[record.of], record.seq)
    return {stream.record(seq) for stream in streams for seq in range(highest[stream])}


def percentile(values: Sequence[float], share: float) -> float | None:
    """The value that `share` of all do not exceed (nearest rank); None without values."""
    if not values:
        return None
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]
