"""One moment of the demo: all that a screen or a line of text shows of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hil_tests.demo.publication import Block, Reading

UNKNOWN = "-"
_UNITS = {"Cel": "°C", "%RH": "%", "count": "counts"}  # SenML's, as people write them


class Phase(StrEnum):
    """What the demo is doing."""

    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping the nodes"
    DRAINING = "waiting for what is under way"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """The latest reading of one channel of one node."""

    node: str
    channel: str
    value: str
    utc_s: float | None
    age_s: float | None
    link: str
    faulty: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Made at `now_s`, UTC. `phase` says what goes on, `remarks` what is wrong.

    `left_s` is how long it will go on, None where nobody knows.
    """

    now_s: float
    phase: Phase
    rows: tuple[Row, ...]
    stored: int = 0  # records since the start
    delivered: int = 0
    waiting: int = 0
    received: int = 0
    left_s: float | None = None
    remarks: tuple[str, ...] = ()

    @property
    def progress(self) -> tuple[int, int, int]:
        """What changes as long as blocks are under way: stored, delivered, received."""
        return self.stored, self.delivered, self.received


def rows_of(
    names: Mapping[str, str],
    latest: Mapping[tuple[str, str], Block],
    links: Mapping[str, str],
    now_s: float,
) -> Iterator[Row]:
    """The rows by node and channel; a node of which nothing came yet has one row.

    `names` are the nodes' names by uid, `latest` the subscriber's latest blocks, `links` the state
    of each node's link as far as it is known.
    """
    for uid, name in names.items():
        link = links.get(uid, "starting")
        channels = [channel for node, channel in latest if node == uid]
        if not channels:
            yield Row(node=name, channel=UNKNOWN, value=UNKNOWN, utc_s=None, age_s=None, link=link)
        for channel in sorted(channels):
            reading = _last(latest[uid, channel], channel)
            yield Row(
                node=name,
                channel=channel,
                value=value_text(reading),
                utc_s=reading.utc_s,
                age_s=max(0.0, now_s - reading.utc_s),
                link=link,
                faulty=reading.value is None,
            )


def _last(block: Block, channel: str) -> Reading:
    return max((each for each in block.readings if each.channel == channel), key=lambda each: each.utc_s)


def value_text(reading: Reading) -> str:
    """The value with its unit, or why there is none."""
    if reading.value is None:
        return reading.fault
    digits = 0 if reading.value == int(reading.value) and abs(reading.value) >= 1000 else 2
    return f"{reading.value:.{digits}f} {_UNITS.get(reading.unit, reading.unit)}".rstrip()
