"""What every line of a gateway works with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.capture import Capture
    from gateway.counters import Conditions, Counters
    from gateway.descriptors import Descriptors
    from gateway.host_clock import Clock
    from gateway.nodes import Nodes
    from gateway.store import Store
    from gateway.timeline import Timeline


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What every line of a gateway works with."""

    name: str
    nodes: Nodes
    store: Store
    descriptors: Descriptors
    timeline: Timeline
    clock: Clock
    counters: Counters
    conditions: Conditions
    capture: Capture | None = None
