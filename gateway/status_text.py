"""A status as people read it: aligned, the faults first, nothing in it that moves a cursor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.text_table import section, shown, wrapped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from gateway.status import SinkStatus, Status

OPEN = "open"  # as gateway.port says it
NO_NODE = "no node has introduced itself here"
UNOPENED = "unopened"  # as gateway.store says it, which a program that only asks need not load
_MINUTE_S = 60
_HOUR_S = 3_600
_DAY_S = 86_400
_KIB = 1024


def summary(status: Status) -> str:
    """One line: what there is, and what is wrong."""
    if status.store.state == UNOPENED:
        return f"waits for its store: {status.store.detail}"
    waiting = ", ".join(f"{count} for {sink}" for sink, count in status.store.waiting.items())
    nodes = f"{len(status.nodes)} node{'' if len(status.nodes) == 1 else 's'}"
    faults = ", ".join(f"{fault.name} ({fault.subject})" for fault in status.faults)
    parts = [nodes, f"{status.store.stored} records stored", f"waiting: {waiting or 'none'}"]
    return "; ".join(parts + ([f"faults: {faults}"] if faults else []))


def report(status: Status, width: int | None = None) -> Iterator[str]:
    """The lines of `fieldgate status`; `width` is what the terminal has for one."""
    first = f"fieldgate {status.version}, gateway {shown(status.gateway)}, up {duration(status.uptime_s)}, "
    first += f"clock {_clock(status)}"
    yield from [first] if width is None else wrapped(first, width)
    counters = [("name", "count")] + [(name, str(n)) for name, n in status.counters.items() if n]
    yield from section("faults", _faults(status), "red", width)
    yield from section("ports", _ports(status), width=width)
    yield from section("nodes", _nodes(status), width=width)
    yield from section("health", _health(status), width=width)
    yield from section("store", _store(status), width=width)
    yield from section("disk", _disk(status), width=width)
    yield from section("sinks", _sinks(status), width=width)
    yield from section("consumers", _consumers(status), width=width)
    yield from section("counters", counters, width=width)


def _clock(status: Status) -> str:
    clock = status.clock
    utc = f", {shown(clock.utc)}" if clock.utc else ""
    return f"{shown(clock.state)}{uncertainty(clock.uncertainty_us)}{utc}"


def _faults(status: Status) -> Iterator[Sequence[str]]:
    yield ("name", "of", "for", "detail")
    for fault in status.faults:
        yield (fault.name, fault.subject, duration(fault.age_s), fault.detail)


def _ports(status: Status) -> Iterator[Sequence[str]]:
    yield ("path", "state", "for", "detail")
    linked = {node.port for node in status.nodes}
    for port in status.ports:
        nobody = NO_NODE if port.state == OPEN and port.path not in linked else ""
        yield (port.path, port.state, duration(port.age_s), port.detail or nobody)


def _nodes(status: Status) -> Iterator[Sequence[str]]:
    yield ("uid", "name", "port", "boot", "link", "last seen", "clock", "blocks")
    for node in status.nodes:
        yield (
            node.uid,
            node.name,
            node.port or "-",
            str(node.boot >> 16),  # the count; the lower half is random
            node.link,
            "before the start" if node.seen_ago_s is None else f"{duration(node.seen_ago_s)} ago",
            f"{node.clock}{uncertainty(node.uncertainty_us)}",
            str(node.blocks),
        )


def _health(status: Status) -> Iterator[Sequence[str]]:
    yield ("node", *(column for column, _, _ in _HEALTH))
    for node in status.nodes:
        if node.health:
            yield (node.name, *(form(node.health.get(channel)) for _, channel, form in _HEALTH))


def _store(status: Status) -> Iterator[Sequence[str]]:
    store = status.store
    waiting = ", ".join(f"{count} for {sink}" for sink, count in store.waiting.items())
    dropped = ", ".join(f"{count} {name}" for name, count in store.dropped.items()) or "-"
    yield ("state", "stored", "damaged", "dropped", "waiting", "detail")
    yield (store.state, str(store.stored), str(store.damaged), dropped, waiting or "-", store.detail)


def _disk(status: Status) -> Iterator[Sequence[str]]:
    disk = status.disk
    yield ("used", "left", "lasts for", "written today", "yesterday", "a day now", "mount")
    if disk.mount or disk.used_octets is not None:
        yield (
            octets(disk.used_octets),
            octets(disk.left_octets),
            "-" if disk.lasts_s is None else duration(disk.lasts_s),
            octets(disk.written_today_octets),
            octets(disk.written_yesterday_octets),
            octets(disk.written_per_day_octets),
            disk.mount,
        )


def _sinks(status: Status) -> Iterator[Sequence[str]]:
    yield (
        "name",
        "state",
        "for",
        "broker",
        "protocol",
        "delivered",
        "in flight",
        "backlog",
        "drain",
        "detail",
    )
    for sink in status.sinks:
        yield (
            sink.name,
            sink.state,
            duration(sink.age_s),
            sink.broker,
            sink.protocol or "-",
            str(sink.delivered),
            str(sink.in_flight),
            str(sink.backlog),
            _drain(sink),
            sink.detail,
        )


def _consumers(status: Status) -> Iterator[Sequence[str]]:
    yield ("name", "of sink", "state", "spoke", "behind", "since")
    for sink in status.sinks:
        for each in sink.consumers:
            yield (
                each.name,
                sink.name,
                each.state,
                "never" if each.spoke_ago_s is None else f"{duration(each.spoke_ago_s)} ago",
                f"{each.behind} records",
                "-" if each.behind_s is None or not each.behind else duration(each.behind_s),
            )


def _drain(sink: SinkStatus) -> str:
    """How fast the backlog goes, and for how long yet."""
    if sink.backlog_eta_s is None or not sink.backlog_eta_s:
        return "-"
    return f"{sink.backlog_per_s:.0f}/s, {duration(sink.backlog_eta_s)}"


def duration(seconds: float) -> str:
    """Two units at most: 4 s, 12 min, 3 h 5 min, 2 d 1 h."""
    whole = max(0, round(seconds))
    if whole < 2 * _MINUTE_S:
        return f"{whole} s"
    if whole < 2 * _HOUR_S:
        return f"{whole // _MINUTE_S} min"
    if whole < _DAY_S:
        return f"{whole // _HOUR_S} h {whole % _HOUR_S // _MINUTE_S} min"
    return f"{whole // _DAY_S} d {whole % _DAY_S // _HOUR_S} h"


def octets(count: float | None) -> str:
    """In the largest unit that leaves a digit before the point: 512 B, 1.4 KiB, 3.9 GiB; - is not known."""
    if count is None:
        return "-"
    units = ["B", "KiB", "MiB", "GiB", "TiB"]
    while count >= _KIB and len(units) > 1:
        count /= _KIB
        del units[0]
    return f"{count:.0f} {units[0]}" if units[0] == "B" else f"{count:.1f} {units[0]}"


def uncertainty(us: int | None) -> str:
    """With its sign and unit: +-340 us, +-1.2 ms, +-2.5 s; empty when it is not known."""
    if us is None:
        return ""
    if us < 1_000:  # noqa: PLR2004 - the next unit
        return f" ±{us} us"
    if us < 1_000_000:  # noqa: PLR2004 - the next unit
        return f" ±{us / 1_000:.1f} ms"
    return f" ±{us / 1_000_000:.1f} s"


def count(number: int | None) -> str:
    """As it is; - is not known."""
    return "-" if number is None else str(number)


# Column, channel of the group `health` (docs/firmware.md), and how it is written.
_HEALTH: tuple[tuple[str, str, Callable[[int | None], str]], ...] = (
    ("heap free", "heap_free", octets),
    ("in one piece", "heap_piece", octets),
    ("queue", "queue_ram", octets),
    ("in flash", "queue_flash", octets),
    ("written", "flash_written", octets),
    ("erases", "flash_erases", count),
    ("lost", "records_lost", count),
    ("refused", "frames_refused", count),
    ("missed", "slots_missed", count),
    ("given up", "sensors_given_up", count),
)
