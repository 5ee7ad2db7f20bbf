"""Nodes over Wi-Fi: a subscriber at the local broker, and one line for each node that speaks there."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from random import Random
from typing import TYPE_CHECKING

from gateway.counters import printable
from gateway.host_clock import boottime_ns
from gateway.port import LEVELS, PortState, only_lost
from gateway.refusals import Refusals
from gateway.serial_port import PortLost
from gateway.sinks.brokers import Brokers
from gateway.sinks.connection_lost import REJECTED, ConnectionLost
from gateway.sinks.inbox import Inbox
from gateway.status import PortStatus
from gateway.wifi_line import WifiLine
from wire.fields import MESSAGE_OCTETS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from paho.mqtt.client import Client, MQTTMessage

    from gateway.counters import Conditions, Counters
    from gateway.host_clock import Clock
    from gateway.sinks.mqtt_connection import MqttConnection
    from gateway.wifi_config import WifiConfig

log = logging.getLogger(__name__)

UP = "fieldgate/node/{}/up"
DOWN = "fieldgate/node/{}/down"
NODES_LIMIT = 128  # that speak at the same time
TICK_S = 0.5
SUBSCRIBE_S = 10.0
PACKET_LIMIT = MESSAGE_OCTETS + 512  # with topic and properties; a longer packet is passed over
TOPIC_SHOWN = 80
REFUSED_STEP = "check user and password_file, and that this user may read fieldgate/node/+/up"
_UP = re.compile(r"fieldgate/node/((?:[0-9a-f]{2}){6,8})/up")


class _UpInbox(Inbox):
    """Gives every message on at once, with the time at which it came."""

    def __init__(self, on_up: Callable[[MQTTMessage, int], None]) -> None:
        super().__init__()
        self._on_up = on_up

    def on_message(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        """As Inbox's."""
        self._on_up(message, boottime_ns())


class WifiPort:
    """One [[wifi]] of the configuration. `serve` is called with the line of each node that speaks.

    Trouble with the broker never leaves `run`; it is the port's state.
    """

    def __init__(
        self,
        config: WifiConfig,
        serve: Callable[[WifiLine], Awaitable[None]],
        *,
        counters: Counters,
        conditions: Conditions,
        clock: Clock,
        random: Random | None = None,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._config = config
        self._serve = serve
        self._counters = counters
        self._conditions = conditions
        self._refusals = Refusals(config.url, counters, conditions, clock)
        random = random or Random()  # noqa: S311 - spreads tries, hides nothing
        self._brokers = Brokers(config, None, random, packet_limit=PACKET_LIMIT)
        self._now_s = now_s
        self._news = asyncio.Event()
        self._connection: MqttConnection | None = None
        self._lines: dict[str, WifiLine] = {}
        self._tasks: asyncio.TaskGroup | None = None
        self._state, self._detail, self._since_s = PortState.OPENING, "", now_s()

    async def run(self) -> None:
        """Serve until cancelled."""
        async with asyncio.TaskGroup() as self._tasks:
            while True:
                try:
                    await self._connect_and_serve()
                except ConnectionLost as lost:
                    pause_s = self._brokers.lost(lost)
                    self._set(*_state_of(lost))
                    self._counters.count("wifi_broker_lost")
                await asyncio.sleep(pause_s)

    def status(self) -> list[PortStatus]:
        """The broker, as a port."""
        age_s = self._now_s() - self._since_s
        return [PortStatus(path=self._config.url, state=self._state, detail=self._detail, age_s=age_s)]

    async def _connect_and_serve(self) -> None:
        connection = await self._brokers.connect(self._news.set, lambda: _UpInbox(self._on_up))
        try:
            connection.subscribe([UP.format("+")])
            self._connection = connection
            await self._served(connection)
        finally:
            self._connection = None
            lines, self._lines = self._lines, {}
            for line in lines.values():
                line.lose("broker_lost")
            await connection.close()

    async def _served(self, connection: MqttConnection) -> None:
        """Until the connection is lost, which it raises."""
        until_s = self._now_s() + SUBSCRIBE_S
        while True:
            connection.tick()
            if connection.take_skipped():
                self._refusals.count("wifi_oversized", f"a packet of over {PACKET_LIMIT} octets")
            self._refusals.look()
            if self._state is not PortState.OPEN:
                self._judge_subscription(connection.inbox.subscribed, until_s)
            try:
                async with asyncio.timeout(TICK_S):
                    await self._news.wait()
            except TimeoutError:
                pass
            self._news.clear()

    def _judge_subscription(self, answer: str | None, until_s: float) -> None:
        if answer:
            raise ConnectionLost(REJECTED, f"the subscription: {answer}")
        if answer is not None:
            self._brokers.delivered()
            self._counters.count("wifi_broker_connected")
            self._set(PortState.OPEN, "")
        elif self._now_s() > until_s:
            raise ConnectionLost("silent", "no answer to the subscription")

    def _on_up(self, message: MQTTMessage, arrived_ns: int) -> None:
        """Give it to its node's line, or refuse it."""
        topic = printable(message.topic.encode(), TOPIC_SHOWN)
        match = _UP.fullmatch(message.topic)
        octets = len(message.payload)
        if message.retain:
            self._refusals.count("wifi_retained", f"{topic}: an old message that the broker keeps")
        elif match is None:
            self._refusals.count("wifi_foreign_topic", f"{topic}: that is no node's")
        elif octets > MESSAGE_OCTETS:
            self._refusals.count("wifi_oversized", f"{topic}: {octets} octets, limit {MESSAGE_OCTETS}")
        else:
            self._take(match[1], bytes(message.payload), arrived_ns)

    def _take(self, uid: str, message: bytes, arrived_ns: int) -> None:
        line = self._lines.get(uid)
        if line is None:
            if len(self._lines) >= NODES_LIMIT or self._connection is None or self._tasks is None:
                self._refusals.count("wifi_too_many_nodes", f"{uid} is not served: {NODES_LIMIT} are")
                return
            line = self._new_line(uid, self._connection)
            self._lines[uid] = line
            self._tasks.create_task(self._look_after(uid, line), name=f"wifi {uid}")
        if not line.take(message, arrived_ns):
            self._counters.count("wifi_queue_full")

    def _new_line(self, uid: str, connection: MqttConnection) -> WifiLine:
        path = f"{self._config.url}/{uid}"

        def publish(octets: bytes) -> None:
            try:
                connection.tell(DOWN.format(uid), octets)
            except ConnectionLost as lost:
                raise PortLost(path, lost.reason) from None

        return WifiLine(path, bytes.fromhex(uid), publish)

    async def _look_after(self, uid: str, line: WifiLine) -> None:
        """A mistake in the code of one line leaves the others alone."""
        try:
            await self._serve(line)
        except Exception as error:
            if only_lost(error) is None:
                self._counters.count("port_serve_failed")
                log.exception("%s: serving it failed", line.path)
        finally:
            if self._lines.get(uid) is line:
                del self._lines[uid]

    def _set(self, state: PortState, detail: str) -> None:
        if (state, detail) != (self._state, self._detail):
            self._state, self._detail, self._since_s = state, detail, self._now_s()
        level = LEVELS.get(state, logging.WARNING)
        self._conditions.set(f"port {self._config.url}", state, detail, level=level)


def _state_of(lost: ConnectionLost) -> tuple[PortState, str]:
    if lost.reason == REJECTED:
        return PortState.DENIED, f"{lost.detail}: {REFUSED_STEP}"
    return PortState.LOST, str(lost)
