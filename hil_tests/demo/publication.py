"""What a subscriber makes of the gateway's publishes, from the documents alone (RFC 8428).

Written against docs/link-protocol.md and RFC 8428 without the gateway's own encoder, so that a
mistake in there does not hide here.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from hil_tests.demo.identity import Gap, Identity, Stream

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

TOPIC_LEVELS = 4  # fieldgate / gateway / node / group; behind it, perhaps, "backfill"
HEALTH = "health"  # the group in which a node tells of itself
QUALITY_SUFFIX = "/q"  # stands in a value's place and says why it is missing


class NotUnderstood(Exception):
    """A publish that is neither readings nor a gap."""


class Reading(NamedTuple):
    """One value of one channel. `value` is None where `fault` says why there is none."""

    channel: str
    value: float | None
    unit: str
    fault: str
    utc_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A stored block as it was published; `group` is a level of its topic."""

    identity: Identity
    readings: tuple[Reading, ...]
    group: str = ""

    @property
    def last_utc_s(self) -> float:
        """When the last scan was taken."""
        return max(reading.utc_s for reading in self.readings)


def understood(topic: str, properties: Mapping[str, str], payload: bytes) -> Block | Gap | None:
    """The block or gap in a publish; None for the gateway's own status. Raises NotUnderstood."""
    levels = topic.removesuffix("/backfill").split("/")
    if len(levels) == TOPIC_LEVELS - 1 and levels[-1] == "status":
        return None
    if len(levels) != TOPIC_LEVELS:
        raise NotUnderstood(f"topic {topic}")
    try:
        document = json.loads(payload)
        if levels[-1] == "gap":
            return _gap(levels[2], document)
        stream = Stream(levels[2], int(properties["boot"]), int(properties["stream"]))
        readings = tuple(_readings(document))
        if not readings:
            raise NotUnderstood(f"{topic}: no readings")
        return Block(identity=stream.record(int(properties["seq"])), readings=readings, group=levels[3])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise NotUnderstood(f"{topic}: {type(error).__name__}: {error}") from None


def _gap(node: str, document: Mapping[str, Any]) -> Gap:
    of = Stream(node, int(document["boot"]), int(document["stream"]))
    return Gap(of, int(document["seq"]), int(document["next_seq"]))


def _readings(pack: list[dict[str, Any]]) -> Iterator[Reading]:
    """Resolve the pack: base fields hold from their record on."""
    base_time, base_unit = 0.0, ""
    for record in pack:
        base_time = record.get("bt", base_time)
        base_unit = record.get("bu", base_unit)
        name: str = record["n"]
        utc_s = base_time + record.get("t", 0.0)
        if name.endswith(QUALITY_SUFFIX):
            yield Reading(name.removesuffix(QUALITY_SUFFIX), None, "", str(record["vs"]), utc_s)
        elif "v" in record:
            yield Reading(name, float(record["v"]), record.get("u", base_unit), "", utc_s)
