"""The question for a node's time: one at a time, and only while an answer still tells something."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.node_clock import Exchange

if TYPE_CHECKING:
    from gateway.counters import Counters
    from gateway.timeline import Timeline
    from wire import up

REPLY_NS = 2_000_000_000  # an answer that took longer tells nothing about the time
_ID_MASK = 0xFFFF


class TimeQuestion:
    """What one line asks its node. All times are CLOCK_BOOTTIME.

    `wire_ns` is the least that a frame's octets have been on the line, 0 where nothing is sure. The
    answer is the longer one, so what is known of both is no part of what is uncertain.
    """

    def __init__(self, timeline: Timeline, counters: Counters) -> None:
        self._timeline = timeline
        self._counters = counters
        self._id = 0
        self._asked: tuple[int, int] | None = None  # id, when it was sent
        self._down_ns = 0  # wire_ns of it
        self._paced = True  # False: an answer came faster than the baud allows

    def next_id(self, uid: bytes, boot: int, now_ns: int) -> int | None:
        """The id to ask with, if the boot's clock wants an exchange and nothing is on its way."""
        if self._asked is not None:
            if now_ns - self._asked[1] < REPLY_NS:
                return None
            self._counters.count("time_replies_late")
            self._asked = None
        if not self._timeline.exchange_due(uid, boot, now_ns):
            return None
        self._id = (self._id + 1) & _ID_MASK
        self.sent(self._id, now_ns)
        return self._id

    def sent(self, id_: int, now_ns: int, wire_ns: int = 0) -> None:
        """The question goes out now."""
        self._asked = (id_, now_ns)
        self._down_ns = wire_ns

    def answered(self, uid: bytes, boot: int, reply: up.TimeReply, arrived_ns: int, wire_ns: int = 0) -> None:
        """Give the exchange to the timeline; an answer that nobody waits for is counted."""
        asked, self._asked = self._asked, None
        if asked is None or asked[0] != reply.id:
            self.unasked()
            return
        exchange = Exchange(t1_ns=asked[1], t2_us=reply.received, t3_us=reply.sent, t4_ns=arrived_ns)
        self._timeline.exchange(uid, boot, self._without_wire(exchange, wire_ns))

    def _without_wire(self, whole: Exchange, up_ns: int) -> Exchange:
        """The exchange without what its octets took on the line for sure."""
        if not self._paced:
            return whole
        shortened = Exchange(
            t1_ns=whole.t1_ns + self._down_ns,
            t2_us=whole.t2_us,
            t3_us=whole.t3_us,
            t4_ns=whole.t4_ns - up_ns,
        )
        if shortened.rtt_ns >= 0 or whole.rtt_ns < 0:
            return shortened
        self._paced = False
        self._counters.count("time_replies_too_fast")
        return whole

    def unasked(self) -> None:
        """An answer came that belongs to no question."""
        self._asked = None
        self._counters.count("time_replies_unasked")
