"""The promises, as a comparison of sets: what each place of the chain says for itself."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from math import isclose

from gateway.store.account import Account
from hil_tests.demo.identity import Identity, Stream
from hil_tests.demo.publication import Block

BLOCK = 3  # docs/link-protocol.md


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A record in the store."""

    of: Stream
    seq: int
    next_seq: int
    kind: int
    message: bytes

    @property
    def identity(self) -> Identity:
        """Its first, and for a BLOCK its only, identity."""
        return self.of.record(self.seq)


def mistakes(
    *,
    sent: Mapping[Identity, AbstractSet[bytes]],
    acknowledged: AbstractSet[Identity],
    rows: Sequence[Row],
    heard: Sequence[Block],
    readings: Callable[[bytes], Sequence[tuple[str, float | None]]],
) -> list[str]:
    """What is wrong, in words; nothing when all promises were kept.

    `sent` are the encodings that the node gave each record, `acknowledged` what an ACK for reached
    it, `rows` the store in its order, `heard` the subscriber's blocks with their repeats, and
    `readings` tells channel and value of an encoded BLOCK. All of one node, seqs from 0 on.
    """
    stored = {row.identity: row.message for row in rows if row.kind == BLOCK}
    gone = {row.of.record(seq) for row in rows if row.kind != BLOCK for seq in range(row.seq, row.next_seq)}
    found = [f"{each} was sent with two contents" for each, encodings in sent.items() if len(encodings) > 1]
    found += _out_of_order(rows)
    found += [f"{each} was acknowledged and is not stored" for each in acknowledged - stored.keys() - gone]
    found += [
        f"{each} is stored as nobody sent it"
        for each, message in stored.items()
        if message not in sent.get(each, ())
    ]
    received = {each.identity for each in heard}
    found += [f"{each} was not delivered" for each in stored.keys() - received]
    found += [f"{each} was delivered and is not stored" for each in received - stored.keys()]
    found += [
        f"{each.identity} was delivered with other values"
        for each in heard
        if each.identity in stored and not _same(each, readings(stored[each.identity]))
    ]
    return found


def unaccounted(account: Account) -> list[str]:
    """What the store's own account cannot account for, of all nodes."""
    return [
        f"{stream.uid.hex()}/{stream.boot}/{stream.stream}: {each} is {what}"
        for stream in account.streams
        for ranges, what in (
            (stream.unaccounted, "not accounted for"),
            (stream.outside, "outside of its stream"),
        )
        for each in ranges
    ] + [f"damaged: {row}" for row in account.damaged_rows]


def _out_of_order(rows: Sequence[Row]) -> Iterator[str]:
    next_seqs: defaultdict[Stream, int] = defaultdict(int)
    for row in rows:
        if row.seq != next_seqs[row.of]:
            yield f"{row.identity} is stored where {next_seqs[row.of]} was to come"
        next_seqs[row.of] = row.next_seq


def _same(block: Block, expected: Sequence[tuple[str, float | None]]) -> bool:
    got = [(reading.channel, reading.value) for reading in block.readings]
    return len(got) == len(expected) and all(
        channel == other_channel
        and (value is None) == (other is None)
        and (value is None or other is None or isclose(value, other, rel_tol=1e-9, abs_tol=1e-9))
        for (channel, value), (other_channel, other) in zip(got, expected, strict=True)
    )
