"""What a consumer got, whichever broker and protocol it came through: each block with its repeats.

The identity is in the user properties of MQTT 5, and in the payload for who has none.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from math import isclose
from typing import NamedTuple, Protocol

from hil_tests.demo.identity import Gap, Identity
from hil_tests.demo.publication import Block, Reading, understood

BACKFILL = "/backfill"  # behind the topic of what is not new
MARGIN_S = 1e-5  # times and uncertainties are rounded to microseconds


class Publish(Protocol):
    """A message of any broker (hil_tests.broker.Message, hil_tests.fake_broker.Published, ...)."""

    @property
    def topic(self) -> str: ...
    @property
    def properties(self) -> Mapping[str, str]: ...
    @property
    def payload(self) -> bytes: ...


class Copy(NamedTuple):
    """A block as one message had it."""

    readings: tuple[Reading, ...]
    uncertainty_s: float


class Delivery:
    """`blocks` by identity, every copy of each; `gaps` as they came. Raises NotUnderstood."""

    def __init__(self, publishes: Iterable[Publish]) -> None:
        self.blocks: defaultdict[Identity, list[Copy]] = defaultdict(list)
        self.gaps: list[Gap] = []
        for each in filter(is_data, publishes):
            about = about_of(each)
            found = understood(each.topic.removesuffix(BACKFILL), about, each.payload)
            if isinstance(found, Block):
                self.blocks[found.identity].append(Copy(found.readings, float(about["tu"])))
            elif found is not None:
                self.gaps.append(found)

    @property
    def repeats(self) -> int:
        """How many copies came beyond the first of each."""
        return sum(len(copies) - 1 for copies in self.blocks.values())

    def has(self, record: Identity) -> bool:
        """Whether it came, or was named as lost."""
        return record in self.blocks or any(gap.names(record) for gap in self.gaps)

    def two_faced(self) -> list[Identity]:
        """Blocks of which two copies say different things: other values, or times that exclude each other."""
        return [
            identity
            for identity, (first, *others) in self.blocks.items()
            if not all(_agree(first, other) for other in others)
        ]


def is_data(publish: Publish) -> bool:
    """Whether it is about records: no gateway's state, and nothing that a consumer says."""
    levels = publish.topic.split("/")
    return levels[-1] != "status" and levels[2] != "confirm"


def identities(publishes: Iterable[Publish]) -> set[Identity]:
    """The records that came, without a look at what they say: cheap enough to ask again and again."""
    found = set()
    for each in filter(is_data, publishes):
        if not each.topic.endswith("/gap"):
            about = about_of(each)
            found.add(Identity(about["node"], int(about["boot"]), int(about["stream"]), int(about["seq"])))
    return found


def about_of(publish: Publish) -> Mapping[str, str]:
    """The properties, or what stands for them in the payload."""
    if publish.properties:
        return publish.properties
    document = json.loads(publish.payload)
    first = document[0] if isinstance(document, list) else document
    return {key: str(value) for key, value in first.items()}


def _agree(one: Copy, other: Copy) -> bool:
    within_s = one.uncertainty_s + other.uncertainty_s + MARGIN_S
    return len(one.readings) == len(other.readings) and all(
        (a.channel, a.value, a.unit, a.fault) == (b.channel, b.value, b.unit, b.fault)
        and isclose(a.utc_s, b.utc_s, rel_tol=0, abs_tol=within_s)
        for a, b in zip(one.readings, other.readings, strict=True)
    )
