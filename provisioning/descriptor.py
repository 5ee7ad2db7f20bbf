"""What a node's descriptor says, as far as a person wants to see it. It is a peer's: taken with care."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from provisioning.symptoms import shown

EXP_LIMIT = 30  # powers of ten to either side: yotta and quecto

# SenML's units (RFC 8428, section 12.1) as they are written elsewhere; the others are shown as they are.
_WRITTEN = {"Cel": "°C", "%RH": "% RH", "count": "counts", "1": "", "/": ""}


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One channel: true value = raw * 10^exp `unit`. `sensor` is empty for what the node says of itself."""

    name: str
    unit: str
    exp: int
    sensor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeDescription:
    """`groups`: for each group the indexes of its channels."""

    name: str
    site: str
    board: str
    channels: tuple[Channel, ...]
    groups: tuple[tuple[int, ...], ...]

    @property
    def measured(self) -> list[Channel]:
        """The channels that have a sensor."""
        return [channel for channel in self.channels if channel.sensor]

    @property
    def sensors(self) -> list[str]:
        """The sensors' kinds, each once, in the order of their channels."""
        return list(dict.fromkeys(channel.sensor for channel in self.measured))

    def channels_of(self, group: int) -> list[Channel]:
        """The channels of a group; none for a group that the node has not announced."""
        if group >= len(self.groups):
            return []
        return [self.channels[at] for at in self.groups[group]]


def describe(descriptor: dict[str, Any]) -> NodeDescription:
    """Read a descriptor; what is not as the protocol has it is left out."""
    node = descriptor.get("node")
    node = node if isinstance(node, dict) else {}
    channels = tuple(_channel(entry) for entry in _objects(descriptor.get("channels")))
    groups = tuple(
        tuple(at for at in _list(group.get("channels")) if isinstance(at, int) and 0 <= at < len(channels))
        for group in _objects(descriptor.get("groups"))
    )
    return NodeDescription(
        name=_text(node.get("name")),
        site=_text(node.get("site")),
        board=_text(node.get("board")),
        channels=channels,
        groups=groups,
    )


def _channel(entry: dict[str, Any]) -> Channel:
    exp = entry.get("exp")
    unit = _text(entry.get("unit"))
    return Channel(
        name=_text(entry.get("name")),
        unit=_WRITTEN.get(unit, unit),
        exp=exp if isinstance(exp, int) and abs(exp) <= EXP_LIMIT else 0,
        sensor=_text(entry.get("sensor")),
    )


def _objects(value: object) -> list[dict[str, Any]]:
    return [entry for entry in _list(value) if isinstance(entry, dict)]


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: object) -> str:
    return shown(value) if isinstance(value, str) else ""
