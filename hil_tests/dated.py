"""What the subscriber was told about time, and by how much it was wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.host_clock import ASSUMED_UNCERTAINTY_NS
from hil_tests.bench import Bench
from hil_tests.demo.publication import Block, understood
from hil_tests.truth import Sample, nearest

ASSUMED_S = ASSUMED_UNCERTAINTY_NS / 1e9  # added for a clock that it was told to believe: here it is right

# Between the chip's start and the time stamp a PC may stop the node's process, a busy one often; nothing
# stops an ESP32. The gateway's own share is 0.99: tests/gateway/test_time_simulator.py, where nothing stops.
STALL_S = 0.05
HONEST_SHARE = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Dated:
    """A block with what it says about its time: `uncertainty_s` of the node's clock against this host's."""

    block: Block
    uncertainty_s: float
    state: str


def dated(bench: Bench, channel: str) -> list[Dated]:
    """The blocks whose first reading is a value of this channel, in their order."""
    found = []
    for each in bench.subscriber.messages:
        block = understood(each.topic, each.properties, each.payload)
        if not isinstance(block, Block):
            continue
        first = block.readings[0]
        if first.channel == channel and first.value is not None:
            uncertainty_s = float(each.properties["tu"]) - ASSUMED_S
            found.append(Dated(block=block, uncertainty_s=uncertainty_s, state=each.properties["time"]))
    return found


def known(found: Sequence[Dated], truth: Sequence[Sample]) -> list[Dated]:
    """Those that were over when the truth was taken."""
    return [each for each in found if each.block.last_utc_s <= truth[-1].utc_ns / 1e9]


def errors_s(found: Sequence[Dated], channel: str, truth: Sequence[Sample]) -> list[float]:
    """By how much the times of the channel's values are off, beyond what was stated: below 0 is right."""
    errors = []
    for each in found:
        for reading in each.block.readings:
            if reading.channel == channel and reading.value is not None:
                utc_ns = round(reading.utc_s * 1e9)
                off_s = abs(utc_ns - nearest(truth, utc_ns).utc_ns) / 1e9
                errors.append(off_s - each.uncertainty_s)
    return errors


def assert_honest(errors_s: Sequence[float]) -> None:
    """The times hold what they state, but where this machine stopped the node in the middle of a scan."""
    assert max(errors_s) <= STALL_S
    assert sum(error_s <= 0 for error_s in errors_s) >= HONEST_SHARE * len(errors_s)
