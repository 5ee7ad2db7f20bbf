"""The account of a store, for people and for programs."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from gateway.text_table import section, wrapped

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gateway.store.account import Account, StreamAccount
    from gateway.store.intervals import Interval

RANGES_SHOWN = 100  # of each section; --json has them all
_EPOCH = date(1970, 1, 1)


def report(account: Account, width: int | None = None) -> Iterator[str]:
    """The lines of `fieldgate ledger`: what is wrong first, totals last; `width` is what the terminal has."""
    if not account.streams and account.holds:
        yield "nothing of what was asked for was ever stored"
        return
    yield from section("not accounted for", _unaccounted(account), "red", width)
    yield from section("damaged", _damaged(account), "red", width)
    yield from section("streams", _streams(account), width=width)
    yield from section("named gaps", _gaps(account), width=width)
    yield ""
    yield from [_totals(account)] if width is None else wrapped(_totals(account), width)


def document(account: Account, *, node: bytes | None, day: int | None) -> dict[str, object]:
    """What `fieldgate ledger --json` prints; docs/operator.md explains it."""
    return {
        "holds": account.holds,
        "node": None if node is None else node.hex(),
        "day": None if day is None else day_text(day),
        "sinks": list(account.sinks),
        "totals": _total(account.streams, account.sinks),
        "damaged_records": list(account.damaged_records),
        "damaged_rows": list(account.damaged_rows),
        "streams": [_stream_document(stream) for stream in account.streams],
    }


def day_text(day: int) -> str:
    """A day since 1970 as people write it; -1 is `unknown`."""
    return "unknown" if day < 0 else (_EPOCH + timedelta(days=day)).isoformat()


def _stream_document(stream: StreamAccount) -> dict[str, object]:
    return {
        "node": stream.uid.hex(),
        "boot": stream.boot,
        "stream": stream.stream,
        "first_seq": stream.first_seq,
        "next_seq": stream.next_seq,
        **_total([stream], tuple(stream.delivered)),
        "gaps": [
            {"reason": gap.reason, "first_seq": gap.seq, "next_seq": gap.next_seq} for gap in stream.gaps
        ],
        "unaccounted_ranges": [list(each) for each in stream.unaccounted],
        "wanted_ranges": [list(each) for each in stream.wanted],
        "outside_ranges": [list(each) for each in stream.outside],
    }


def _total(streams: Sequence[StreamAccount], sinks: Sequence[str]) -> dict[str, object]:
    by_reason: dict[str, int] = {}
    for stream in streams:
        for gap in stream.gaps:
            by_reason[gap.reason] = by_reason.get(gap.reason, 0) + gap.next_seq - gap.seq
    return {
        "seqs": sum(stream.next_seq - stream.first_seq for stream in streams),
        "stored": sum(stream.stored for stream in streams),
        "settled": sum(stream.settled for stream in streams),
        "lost": sum(by_reason.values()),
        "lost_by_reason": by_reason,
        "unaccounted": sum(_size(stream.unaccounted) for stream in streams),
        "delivered": {sink: sum(stream.delivered[sink] for stream in streams) for sink in sinks},
        "waiting": {sink: sum(stream.waiting[sink] for stream in streams) for sink in sinks},
        "dead_letters": {sink: sum(stream.dead_letters[sink] for stream in streams) for sink in sinks},
    }


def _streams(account: Account) -> Iterator[Sequence[str]]:
    columns = [f"{sink} {what}" for sink in account.sinks for what in ("delivered", "waiting", "refused")]
    yield ("node", "boot", "stream", "seqs", "stored", "settled", "lost", *columns, "unaccounted")
    for stream in account.streams:
        counts = [
            str(by_sink[sink])
            for sink in account.sinks
            for by_sink in (stream.delivered, stream.waiting, stream.dead_letters)
        ]
        yield (
            *_name(stream),
            _range((stream.first_seq, stream.next_seq)),
            str(stream.stored),
            str(stream.settled),
            str(stream.lost),
            *counts,
            str(_size(stream.unaccounted)),
        )


def _gaps(account: Account) -> Iterator[Sequence[str]]:
    yield ("node", "boot", "stream", "seqs", "count", "reason")
    rows = [(stream, gap) for stream in account.streams for gap in stream.gaps]
    for stream, gap in rows[:RANGES_SHOWN]:
        yield (*_name(stream), _range(gap[:2]), str(gap.next_seq - gap.seq), gap.reason)
    yield from _more(len(rows))


def _unaccounted(account: Account) -> Iterator[Sequence[str]]:
    yield ("node", "boot", "stream", "seqs", "count", "what")
    rows = [
        (stream, each, what)
        for stream in account.streams
        for ranges, what in (
            (stream.unaccounted, "neither stored nor delivered nor named as lost"),
            (stream.wanted, "of these, salvage still looks for"),
            (stream.outside, "stored, and the stream has no such seqs"),
        )
        for each in ranges
    ]
    for stream, each, what in rows[:RANGES_SHOWN]:
        yield (*_name(stream), _range(each), str(each[1] - each[0]), what)
    yield from _more(len(rows))


def _damaged(account: Account) -> Iterator[Sequence[str]]:
    yield ("what", "which")
    for row in account.damaged_rows[:RANGES_SHOWN]:
        yield ("row of a table", row)
    for id_ in account.damaged_records[:RANGES_SHOWN]:
        yield ("record", str(id_))


def _more(count: int) -> Iterator[Sequence[str]]:
    if count > RANGES_SHOWN:
        yield ("...", "", "", "", "", f"{count - RANGES_SHOWN} more: --json has them all")


def _totals(account: Account) -> str:
    total = _total(account.streams, account.sinks)
    reasons = total["lost_by_reason"]
    assert isinstance(reasons, dict)
    named = ", ".join(f"{reason} {count}" for reason, count in sorted(reasons.items()))
    verdict = "every seq is stored, delivered or in a named gap" if account.holds else _fault(account)
    streams = f"{len(account.streams)} stream{'' if len(account.streams) == 1 else 's'}"
    return (
        f"{streams}, {total['seqs']} seqs: {total['stored']} stored, "
        f"{total['settled']} delivered to all and deleted, {total['lost']} lost"
        f"{f' ({named})' if named else ''}: {verdict}"
    )


def _fault(account: Account) -> str:
    counts = {
        "seqs are not accounted for": sum(_size(stream.unaccounted) for stream in account.streams),
        "are stored where the stream has none": sum(_size(stream.outside) for stream in account.streams),
        "rows of tables are damaged": len(account.damaged_rows),
    }
    return ", ".join(f"{count} {what}" for what, count in counts.items() if count)


def _name(stream: StreamAccount) -> tuple[str, str, str]:
    return stream.uid.hex(), str(stream.boot >> 16), str(stream.stream)


def _range(seqs: Interval) -> str:
    return f"{seqs[0]} to {seqs[1] - 1}" if seqs[1] > seqs[0] else "none"


def _size(ranges: Sequence[Interval]) -> int:
    return sum(following - first for first, following in ranges)
