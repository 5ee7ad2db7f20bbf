"""One open line: octets of the port to and from the session, the store and the clock."""

from __future__ import annotations

import asyncio
import logging
import secrets
from contextlib import suppress
from typing import TYPE_CHECKING

from gateway import fast_decode, sleepers
from gateway.console_log import ConsoleLog
from gateway.counters import hexed, printable
from gateway.descriptors import referred_to
from gateway.link_state import LinkState
from gateway.node_health import HealthWatch
from gateway.refusals import Refusals
from gateway.store import Arrival, StoreError, losses
from gateway.time_question import TimeQuestion
from wire import cbor, down, up
from wire.errors import WireError
from wire.framing import FRAME_LIMIT_DOWN
from wire.gateway_session import DESCRIBING, OPEN, GatewaySession
from wire.intake import TAKEN
from wire.remote import Result

if TYPE_CHECKING:
    from gateway.line_port import LinePort
    from gateway.nodes import Node
    from gateway.services import Services
    from wire.message import Message

log = logging.getLogger(__name__)

TICK_S = 0.5  # how often a line that nothing wakes looks at its deadlines
DOWN_SPACING_S = 0.05  # the node's receive ring is empty again, even if it says nothing
SILENCE_NS = 30_000_000_000
NOISE_SHOWN = 64
LOST_REASON = losses.LOST
STORE_FILE = "store file"  # the condition's subject
UNREADABLE = "unreadable"
FRAME_EXTRA = 6  # flags and check sum; how many octets were escaped is not known any more
NS_PER_MS = 1_000_000


class Line:
    """Serves one open port until it is lost. Used once."""

    def __init__(self, port: LinePort, services: Services, window: int) -> None:
        self.path = port.path
        self.uid = port.uid  # the only node that may be here; None on a cable
        self.node: Node | None = None
        self._port = port
        self._services = services
        self._window = window
        self._session = GatewaySession(services.name, window)
        self._framing = port.framing(self._on_refused)
        self._encoder = cbor.Encoder(1024)
        self._wake = asyncio.Event()
        self._credit = asyncio.Event()
        self._heard_ns = 0
        self._refusals = Refusals(port.path, services.counters, services.conditions, services.clock)
        self._console = ConsoleLog(port.path, services.counters)
        self._health = HealthWatch(services.descriptors, services.conditions)
        self._time = TimeQuestion(services.timeline, services.counters)

    async def serve(self) -> None:
        """Read and write until the port is lost (PortLost) or the task is cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._receive(), name=f"receive {self.path}")
                tasks.create_task(self._send(), name=f"send {self.path}")
        finally:
            self.leave()
            self._refusals.end()

    def wake(self) -> None:
        """Something may be due to be sent."""
        self._wake.set()

    def leave(self) -> None:
        """The node is not on this line (any more): whoever speaks next has to say HELLO."""
        if self.node is not None:
            self.node.detach(self)
            self.node = None
        self._session = GatewaySession(self._services.name, self._window)

    def state(self) -> LinkState:
        """What is known of the other end now."""
        if not self._heard_ns:
            return LinkState.WAITING
        if self._services.clock.boottime_ns() - self._heard_ns > SILENCE_NS:
            return LinkState.SILENT
        if self._session.state == OPEN:
            return LinkState.OPEN
        return LinkState.DESCRIBING if self._session.state == DESCRIBING else LinkState.STRANGER

    async def _receive(self) -> None:
        capture = self._services.capture
        while True:
            data, arrived_ns = await self._port.read()
            if capture is not None:
                capture.up(self.path, data)
            self._heard_ns = arrived_ns
            for frame in self._framing.messages(data):
                self._on_frame(frame, arrived_ns)
            self._console.text(self._framing.take_text(), self.node)
            self._wake.set()

    def _on_frame(self, frame: bytes, arrived_ns: int) -> None:
        self._credit.set()
        try:
            message = fast_decode.decode(frame)
            news = self._session.receive(message, arrived_ns // NS_PER_MS)
            if self.node is not None:
                self.node.heard_ns = arrived_ns
            if news is not None:
                self._on_news(news, frame, arrived_ns)
            else:
                self._services.counters.count("frames_without_news")
        except WireError as error:
            self._on_wire_error(error, frame)
        except StoreError as error:  # whatever it was, the node sends it again
            self._services.counters.count("frames_store_unreadable")
            self._services.conditions.set(STORE_FILE, UNREADABLE, str(error))

    def _on_news(self, news: Message, frame: bytes, arrived_ns: int) -> None:
        match news:
            case up.Block() | up.Gap():
                self._on_record(news, frame, arrived_ns)
            case up.Hello():
                self._on_hello(news, arrived_ns)
            case up.TimeReply():
                self._on_time_reply(news, len(frame) + FRAME_EXTRA, arrived_ns)
            case Result() if self.node is not None:
                if not self.node.orders.answered(news):
                    self._services.counters.count("results_unasked")
            case up.Describe():
                self._on_describe(news)
            case up.Log() if self.node is not None:
                self._console.message(news, self.node)

    def _on_record(self, record: up.Block | up.Gap, frame: bytes, arrived_ns: int) -> None:
        node = self.node
        hello = self._session.hello
        if node is None or hello is None:
            return
        arrival = Arrival(
            node.uid,
            record.boot,
            record.stream,
            record.seq,
            record.next_seq,
            record.TYPE,
            frame,
            referred_to(hello, record.boot),
            self._services.timeline.host_boot,
            arrived_ns,
        )
        if self._services.store.append(arrival):
            node.taken += 1
            self._health.take(node, hello, record)
        else:
            node.intake.give_back(record)
            self._services.counters.count("store_queue_full")

    def _on_hello(self, hello: up.Hello, arrived_ns: int) -> None:
        services = self._services
        if self.uid is not None and hello.uid != self.uid:
            self._refusals.count("uid_foreign", f"HELLO of {hello.uid.hex()} on the topic of another node")
            self.leave()
            return
        services.counters.count("hellos")
        node = services.nodes.meet(hello.uid)
        known = services.store.has_descriptor(hello.desc)
        if self.node is not None and self.node.uid != hello.uid:
            self._refusals.count("node_changed", f"node {self.node.name} went, {node.name} came")
            self.node.detach(self)
        if node.moves_to(self, hello.boot):
            services.counters.count("node_moved")
            log.info("node %s moves to %s", node.name, self.path)
        elif node.line is not None and node.line is not self:
            self._refusals.count("uid_twice", f"node {node.name} speaks on {node.line.path}, too")
        elif node.hello is None or node.hello.boot != hello.boot:
            reset = printable(hello.reset.encode(), NOISE_SHOWN)
            log.info("%s: node %s, boot %d, %s", self.path, node.name, hello.boot >> 16, reset)
            if hello.crash:
                services.counters.count("node_crashes")
                text = printable(f"ended before: {hello.crash}".encode(), NOISE_SHOWN * 4)
                node.console.append(text)
                log.error("node %s %s", node.name, text)
        if node.hello is not None and node.hello.boot != hello.boot:
            node.orders.begun_anew()
        node.attach(self)
        self.node = node
        node.hello = hello
        node.heard_ns = arrived_ns
        services.timeline.hello(hello.uid, hello.boot, hello.ticks, arrived_ns)
        missing = self._session.meet(
            node.intake, known, secrets.token_bytes(down.NONCE_OCTETS), arrived_ns // NS_PER_MS
        )
        if known:
            sleepers.learn(node, hello, services.descriptors, services.timeline)
            self._name_lost(node, hello, missing, arrived_ns)

    def _name_lost(
        self, node: Node, hello: up.Hello, lost: list[tuple[int, int, int, int]], arrived_ns: int
    ) -> None:
        """Put a GAP into the stream for records that somebody else's disk acknowledged."""
        for boot, stream, seq, next_seq in lost:
            log.error("node %s: records %d to %d are lost", node.name, seq, next_seq - 1)
            self._services.counters.count("records_lost_by_gateway", next_seq - seq)
            # Nobody knows when an older boot ended.
            times = (0, hello.ticks) if boot == hello.boot else losses.NO_TIME
            gap = up.Gap(boot, stream, seq, next_seq, LOST_REASON, *times)
            if node.intake.take(gap) == TAKEN:
                self._on_record(gap, gap.encode(self._encoder), arrived_ns)

    def _on_describe(self, describe: up.Describe) -> None:
        hello = self._session.hello
        body = cbor.encode(describe.descriptor)
        if hello is None or up.descriptor_hash(body) != hello.desc:
            self._services.counters.count("descriptor_mismatch")
            return
        if self._services.store.put_descriptor(hello.desc, body):
            self._session.described()
            if self.node is not None:
                sleepers.learn(self.node, hello, self._services.descriptors, self._services.timeline)
                lost = self.node.intake.meet(hello.boot, hello.queued)
                self._name_lost(self.node, hello, lost, self._heard_ns)
        else:  # too much is queued there; WELCOME asks for it again
            self._services.counters.count("store_queue_full")

    def _on_time_reply(self, reply: up.TimeReply, octets: int, arrived_ns: int) -> None:
        hello = self._session.hello
        if self.node is None or hello is None:
            self._time.unasked()
        else:
            self.node.orders.heard()
            wire_ns = octets * self._port.adapter.octet_ns
            self._time.answered(self.node.uid, hello.boot, reply, arrived_ns, wire_ns)

    def _on_refused(self, reason: str, octets: bytes) -> None:
        self._refusals.count(f"frame_{reason}", hexed(octets))

    def _on_wire_error(self, error: WireError, frame: bytes) -> None:
        self._refusals.count(f"message_{error.reason}", f"{error} in {hexed(frame)}")

    async def _send(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(TICK_S):
                    await self._wake.wait()
            self._wake.clear()
            self._refusals.look()
            self._ask_time()
            while (message := self._session.poll(self._now_ms()) or self._order()) is not None:
                await self._write(message)

    def _order(self) -> Message | None:
        """What the node is to do: after all that its records need."""
        if self.node is None or self._session.state != OPEN:
            return None
        return self.node.orders.due()

    def _now_ms(self) -> int:
        return self._services.clock.boottime_ns() // NS_PER_MS

    def _ask_time(self) -> None:
        hello = self._session.hello
        if self.node is None or hello is None or self._session.state != OPEN:
            return
        now_ns = self._services.clock.boottime_ns()
        id_ = self._time.next_id(self.node.uid, hello.boot, now_ns)
        if id_ is not None:
            self._session.ask_time(id_)

    async def _write(self, message: Message) -> None:
        # One frame at a time: the node's receive ring holds 260 octets and drops silently.
        with suppress(TimeoutError):
            async with asyncio.timeout(DOWN_SPACING_S):
                await self._credit.wait()
        self._credit.clear()
        frame = self._framing.packed(message.encode(self._encoder))
        while isinstance(message, down.Welcome) and len(frame) > FRAME_LIMIT_DOWN and message.next:
            message.next.pop()  # a stream without a resume point starts where the node holds it
            frame = self._framing.packed(message.encode(self._encoder))
        if isinstance(message, down.Time):
            wire_ns = len(frame) * self._port.adapter.octet_ns
            self._time.sent(message.id, self._services.clock.boottime_ns(), wire_ns)
        await self._port.write(frame)
        if self._services.capture is not None:
            self._services.capture.down(self.path, frame)
