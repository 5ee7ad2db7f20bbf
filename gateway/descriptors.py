"""What a node's numbers mean: its descriptor, checked and kept parsed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from wire import cbor
from wire.errors import WireError
from wire.fields import SLEEP_MOST_PPM, SLEEP_MOST_S

if TYPE_CHECKING:
    from wire.up import Hello

EXP_LIMIT = 18  # 10^18 is more than any sensor's range in any unit
LATENCY_LIMIT_US = 60_000_000  # no filter settles for a minute
UNIT_LIMIT = 32  # the longest unit in SenML's registry has 5 characters
DESCRIPTORS = 256  # parsed ones kept; a gateway's nodes share few

_CHANNEL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9:./_-]{0,63}")  # RFC 8428 section 4.5.1
_GROUP_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")  # a level of an MQTT topic; some brokers change others
_RESERVED_GROUPS = ("gap", "raw")  # levels of the topic that mean something else
_UNIT = re.compile(rf"[!-~]{{0,{UNIT_LIMIT}}}")


class Unreadable(Exception):
    """A record that is on disk and cannot be turned into readings. `reason` is a stable word."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


class DescriptorStore(Protocol):
    """Where descriptors lie, encoded."""

    def descriptor(self, hash8: bytes, /) -> bytes | None:
        """The descriptor's encoding; None when it is not there."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One measured quantity: true value = raw * 10^exp in `unit` (SenML's).

    A sample is `latency_us` older than the time stamp of its scan.
    """

    name: str
    unit: str
    exp: int
    latency_us: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Channels that are sampled together."""

    name: str
    channels: tuple[Channel, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sleep:
    """A node that sleeps: the seconds between two contacts, and how far off its ticks may be."""

    every_s: int
    ppm: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Descriptor:
    """What a node's numbers mean. `name` is empty when the node has none."""

    hash8: bytes
    name: str
    groups: tuple[Group, ...]
    sleep: Sleep | None = None


class Descriptors:
    """Parsed descriptors by hash, the latest DESCRIPTORS of them kept."""

    def __init__(self, store: DescriptorStore) -> None:
        self._store = store
        self._parsed: dict[bytes, Descriptor] = {}

    def find(self, hash8: bytes) -> Descriptor:
        """The descriptor of this hash. Raises Unreadable."""
        parsed = self._parsed.get(hash8)
        if parsed is None:
            body = self._store.descriptor(hash8)
            if body is None:
                raise Unreadable("descriptor_missing", hash8.hex())
            parsed = parse_descriptor(hash8, body)
            while len(self._parsed) >= DESCRIPTORS:
                del self._parsed[next(iter(self._parsed))]
            self._parsed[hash8] = parsed
        return parsed


def referred_to(hello: Hello, boot: int) -> bytes:
    """The hash of what the records of this boot refer to: the settings may have changed since."""
    for its_boot, desc in hello.descs:
        if its_boot == boot:
            return bytes(desc)
    return hello.desc


def parse_descriptor(hash8: bytes, body: bytes) -> Descriptor:
    """The descriptor in its CBOR encoding (docs/link-protocol.md). Raises Unreadable."""
    try:
        document: Any = cbor.decode(body)
    except WireError as error:
        raise Unreadable("descriptor_encoding", str(error)) from None
    channels = [_channel(each) for each in _list(document, "channels")]
    groups = tuple(_group(each, channels) for each in _list(document, "groups"))
    node = document.get("node", {})
    name = node.get("name", "") if isinstance(node, dict) else ""
    sleep = _sleep(document["sleep"]) if "sleep" in document else None
    return Descriptor(hash8=hash8, name=name if isinstance(name, str) else "", groups=groups, sleep=sleep)


def _sleep(found: Any) -> Sleep:  # noqa: ANN401 - whatever the CBOR held
    every_s, ppm = (found.get(key) if isinstance(found, dict) else None for key in ("every_s", "ppm"))
    if type(every_s) is not int or not 1 <= every_s <= SLEEP_MOST_S:
        raise Unreadable("descriptor_field", f"sleep.every_s is not within {SLEEP_MOST_S}")
    if type(ppm) is not int or not 1 <= ppm <= SLEEP_MOST_PPM:
        raise Unreadable("descriptor_field", f"sleep.ppm is not within {SLEEP_MOST_PPM}")
    return Sleep(every_s=every_s, ppm=ppm)


def _list(document: Any, key: str) -> list[Any]:  # noqa: ANN401 - whatever the CBOR held
    found = document.get(key) if isinstance(document, dict) else None
    if not isinstance(found, list):
        raise Unreadable("descriptor_field", f"{key} is not an array")
    return found


def _channel(found: Any) -> Channel:  # noqa: ANN401 - whatever the CBOR held
    if not isinstance(found, dict):
        raise Unreadable("descriptor_field", "a channel is not a map")
    name, unit, exp = found.get("name"), found.get("unit", ""), found.get("exp", 0)
    if not isinstance(name, str) or _CHANNEL_NAME.fullmatch(name) is None:
        raise Unreadable("descriptor_field", "a channel's name is not SenML's")
    if not isinstance(unit, str) or _UNIT.fullmatch(unit) is None:
        raise Unreadable("descriptor_field", f"unit of {name}")
    if type(exp) is not int or abs(exp) > EXP_LIMIT:
        raise Unreadable("descriptor_field", f"exp of {name} is not within {EXP_LIMIT}")
    latency_us = found.get("latency_us", 0)
    if type(latency_us) is not int or abs(latency_us) > LATENCY_LIMIT_US:
        raise Unreadable("descriptor_field", f"latency_us of {name}")
    return Channel(name=name, unit=unit, exp=exp, latency_us=latency_us)


def _group(found: Any, channels: list[Channel]) -> Group:  # noqa: ANN401 - whatever the CBOR held
    name = found.get("name") if isinstance(found, dict) else None
    if not isinstance(name, str) or _GROUP_NAME.fullmatch(name) is None or name in _RESERVED_GROUPS:
        raise Unreadable("descriptor_field", "a group's name is not a level of a topic")
    indexes = _list(found, "channels")
    if not indexes or any(type(index) is not int or not 0 <= index < len(channels) for index in indexes):
        raise Unreadable("descriptor_field", f"channels of group {name}")
    return Group(name=name, channels=tuple(channels[index] for index in indexes))
