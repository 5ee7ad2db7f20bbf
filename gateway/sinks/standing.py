"""How a sink stands: one state at a time, shown in its status, and as a fault with its next step."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from gateway.counters import printable
from gateway.sinks.sink_state import SinkState

if TYPE_CHECKING:
    from gateway.counters import Conditions

DETAIL_LIMIT = 200
START_CONSUMER = "start the consumer of that topic"  # where a record is refused because nobody has subscribed
# What readings wait for.
HOST_CLOCK = "this host's clock is not synchronised yet; next step: timedatectl"
NODE_CLOCK = "a node's clock is not measured yet"

# For whoever stands before it; docs/operator.md says more.
NEXT_STEPS = {
    SinkState.UNREACHABLE: "does the broker run, is its address right, is a firewall between?",
    SinkState.REJECTED: "check user and password_file, the broker's access rules",
    SinkState.TLS_FAILED: "check ca_file, the name in the certificate, this host's time",
    SinkState.FILE_UNREADABLE: "put it there, readable for the service",
    SinkState.LOST: "none, it is tried again; if it repeats: the network, the broker's log",
    SinkState.TAKEN_OVER: "give each gateway a name or client_id of its own",
    SinkState.REFUSED: "check the broker's access rules and limits",
    SinkState.STORE_UNREADABLE: "see the store",
}
_LEVELS = {
    SinkState.CONNECTING: logging.INFO,
    SinkState.ONLINE: logging.INFO,
    SinkState.WAITING_FOR_TIME: logging.INFO,  # the clock says itself that it is not known
}


class Standing:
    """Of one sink. `detail` is what happened, harmless to show; the fault has the next step behind it."""

    def __init__(self, sink: str, conditions: Conditions) -> None:
        self.state = SinkState.CONNECTING
        self.detail = ""
        self._subject = f"sink {sink}"
        self._conditions = conditions
        self._since_s = time.monotonic()

    @property
    def age_s(self) -> float:
        """For how long it has been in this state."""
        return time.monotonic() - self._since_s

    def enter(self, state: SinkState, detail: str = "", *, step: str = "") -> None:
        """It is so now. `step`: what to do, where it is not what is always done in this state."""
        if state is not self.state:
            self._since_s = time.monotonic()
        self.state = state
        self.detail = printable(detail.encode("utf-8", "backslashreplace"), DETAIL_LIMIT)
        told = with_step(self.detail, step or NEXT_STEPS.get(state, ""))
        self._conditions.set(self._subject, state, told, level=_LEVELS.get(state, logging.WARNING))


def with_step(detail: str, step: str) -> str:
    """What is wrong, and what to do."""
    return "; ".join(filter(None, (detail, step and f"next step: {step}")))
