"""Delivers stored records to one MQTT broker: published at QoS 1, done when the broker said so.

Nothing is kept in the connection: what was not confirmed is read from the store again. An outage,
a restart or kill -9 causes repeats at most.
"""

from __future__ import annotations

import asyncio
import json
import time
from datetime import UTC, datetime
from random import Random
from typing import Protocol

from gateway.counters import Conditions, Counters
from gateway.host_clock import Clock
from gateway.sink_config import MqttSinkConfig
from gateway.sinks import dead_letter_fault
from gateway.sinks.brokers import Brokers
from gateway.sinks.buffered_socket import PACKET_LIMIT
from gateway.sinks.confirmation import Confirmation, ConfirmationStore
from gateway.sinks.connection_lost import ACK_TIMEOUT, ConnectionLost
from gateway.sinks.marks import MESSAGE_OCTETS
from gateway.sinks.mqtt_connection import NO_SUBSCRIBER, REFUSALS, MqttConnection
from gateway.sinks.mqtt_packets import Puback
from gateway.sinks.mqtt_properties import content
from gateway.sinks.outbox import Outbox, OutboxStore
from gateway.sinks.patience import Patience
from gateway.sinks.protocol import Version
from gateway.sinks.publication import Publications
from gateway.sinks.reason_words import puback_word
from gateway.sinks.senml import JSON
from gateway.sinks.sink_state import SinkState
from gateway.sinks.standing import HOST_CLOCK, NEXT_STEPS, NODE_CLOCK, START_CONSUMER, Standing, with_step
from gateway.sinks.traffic import Refusal, Traffic
from gateway.sinks.way import CORRECTION, LIVE
from gateway.sinks.window import Flight
from gateway.status import SinkStatus, program_version
from gateway.store import StoreError
from gateway.timeline import Timeline

TICK_S = 0.25  # how often deadlines are looked at

CONFIRMATION_PACKET_LIMIT = MESSAGE_OCTETS + PACKET_LIMIT  # with topic and properties
PACKET_TOO_LARGE = 0x95  # what the broker would say, section 4.13

_NS_PER_S = 1_000_000_000


class SinkStore(OutboxStore, ConfirmationStore, Protocol):
    """What a sink wants of the store (gateway.store.Store)."""


class MqttSink:
    """One broker. Trouble with it never leaves `run`; it is seen in `status` and in the conditions.

    `random` spreads the tries.
    """

    def __init__(
        self,
        config: MqttSinkConfig,
        *,
        gateway: str,
        store: SinkStore,
        timeline: Timeline,
        clock: Clock,
        counters: Counters,
        conditions: Conditions,
        random: Random | None = None,
    ) -> None:
        self.name = config.name
        self.delivered = 0
        self._config = config
        self._store = store
        self._timeline = timeline
        self._clock = clock
        self._counters = counters
        self._conditions = conditions
        patience = Patience(
            timeline,
            clock,
            send_unsynchronised=config.unsynchronised == "send",
            provisional_after_s=config.provisional_after_s,
        )
        store.register_sink(config.name)
        random = random or Random()  # noqa: S311 - spreads tries, hides nothing
        self._outbox = Outbox(
            config.name, store, timeline, patience, clock, backfill_after_s=config.backfill_after_s
        )
        self._traffic = Traffic(self._outbox, random, backfill_per_s=config.backfill_per_s)
        self._publications = Publications(gateway)
        self._brokers = Brokers(
            config,
            self._publications.status_topic,
            random,
            packet_limit=CONFIRMATION_PACKET_LIMIT if config.confirmation else PACKET_LIMIT,
        )
        self._confirmation = self._made_confirmation(gateway)
        self._news = asyncio.Event()
        self._standing = Standing(config.name, conditions)

    def wake(self) -> None:
        """There are new records in the store."""
        self._news.set()

    def status(self) -> SinkStatus:
        """How it is now."""
        per_s = self._traffic.backlog_per_s
        return SinkStatus(
            name=self.name,
            state=self._standing.state,
            detail=self._standing.detail,
            age_s=self._standing.age_s,
            broker=self._brokers.url,
            protocol=self._brokers.protocol,
            delivered=self.delivered,
            in_flight=len(self._traffic.window),
            backlog=self._backlog(),
            backlog_per_s=per_s,
            dead_letters=len(self._store.dead_letters.of(self.name)),
            backlog_eta_s=self._outbox.backlog / per_s if per_s else None,
            consumers=() if self._confirmation is None else self._confirmation.status(time.monotonic()),
        )

    async def run(self) -> None:
        """Deliver until cancelled."""
        while True:
            try:
                await self._connect_and_serve()
            except ConnectionLost as lost:
                pause_s = self._brokers.lost(lost)
                known = {state.value: state for state in SinkState}
                detail = str(lost) if lost.reason not in known else lost.detail
                self._standing.enter(known.get(lost.reason, SinkState.LOST), detail)
                self._counters.count("mqtt_connections_lost")
            except StoreError as error:
                pause_s = self._brokers.lost(ConnectionLost(SinkState.STORE_UNREADABLE))
                self._standing.enter(SinkState.STORE_UNREADABLE, str(error))
            await asyncio.sleep(pause_s)

    async def _connect_and_serve(self) -> None:
        connection = await self._brokers.connect(self._news.set)
        self._publications.with_properties = connection.version is Version.MQTT_5
        try:
            self._counters.count("mqtt_connections")
            await self._serve(connection)
        finally:
            self._traffic.close()
            await connection.close()

    async def _serve(self, connection: MqttConnection) -> None:
        loop = asyncio.get_running_loop()
        window = min(self._config.window, connection.limits.receive_maximum)
        self._traffic.open(window, loop.time())
        self._announce(connection, loop.time())
        if self._confirmation is not None:
            connection.subscribe(self._confirmation.topics)
        timer = loop.call_soon(self._news.set)
        tick_s = 0.0
        try:
            while True:
                connection.check()
                self._take_acks(connection.take_acks(), loop.time())
                if loop.time() >= tick_s:
                    tick_s = loop.time() + TICK_S
                    timer = loop.call_at(tick_s, self._news.set)
                    self._tick(connection, loop.time())
                self._send(connection, loop.time())
                await self._news.wait()
                self._news.clear()
        finally:
            timer.cancel()

    def _announce(self, connection: MqttConnection, now_s: float) -> None:
        """The gateway's retained state."""
        reading = self._clock.reading()
        since = datetime.fromtimestamp(reading.realtime_ns // _NS_PER_S, UTC).isoformat()
        state = {
            "state": "online",
            "since": since if reading.synchronised else None,
            "version": program_version(),
        }
        packet_id = connection.publish(
            self._publications.status_topic,
            content(JSON, utf8=True),
            json.dumps(state, separators=(",", ":")).encode(),
            retain=connection.limits.retain,
        )
        self._traffic.sent(packet_id, None, self._publications.status_topic, now_s)

    def _tick(self, connection: MqttConnection, now_s: float) -> None:
        connection.tick()
        waited_s = self._traffic.window.oldest_s(now_s)
        if waited_s > self._config.ack_timeout_s:
            raise ConnectionLost(ACK_TIMEOUT, f"no confirmation for {waited_s:.0f} s")
        self._watch_client_id()
        self._hear_consumers(connection)
        self._traffic.tick(now_s)
        dead_letter_fault.tell(self.name, self._store.dead_letters, self._conditions)
        if not self._traffic.refused:
            if self._outbox.held and not len(self._traffic.window):
                lacking = NODE_CLOCK if self._timeline.synchronised else HOST_CLOCK
                self._standing.enter(SinkState.WAITING_FOR_TIME, lacking)
            else:
                self._standing.enter(SinkState.ONLINE)

    def _send(self, connection: MqttConnection, now_s: float) -> None:
        """As many records as may go."""
        published, limit = 0, connection.limits.packet_limit
        for due in self._traffic.due(now_s):
            stored, reading, way = due
            hist = way is not LIVE
            publication = self._publications.of(stored, reading, hist=hist, correction=way is CORRECTION)
            if publication.octets > limit:
                publication = self._publications.raw(stored, "too_large", hist=hist)
                if publication.octets > limit:  # sent, it would end the connection
                    self._refused(Flight(stored, way, publication.topic, now_s), PACKET_TOO_LARGE, now_s)
                    continue
            self._traffic.sent(connection.publish(*publication), due, publication.topic, now_s)
            published += 1
        if published:
            self._counters.count("mqtt_published", published)
        connection.flush()

    def _take_acks(self, acks: list[Puback], now_s: float) -> None:
        delivered = 0
        for packet_id, reason in acks:
            flight = self._traffic.window.land(packet_id)
            if flight is None or flight.stored is None:
                continue
            if self._is_refusal(reason):
                self._refused(flight, reason, now_s)
            else:
                self._traffic.taken(flight, now_s)
                if flight.way is CORRECTION:
                    self._counters.count("mqtt_corrections")
                else:
                    delivered += 1
        if delivered:
            self.delivered += delivered
            self._counters.count("mqtt_delivered", delivered)
            self._brokers.delivered()
        self._outbox.keep()

    def _refused(self, flight: Flight, reason: int, now_s: float) -> None:
        self._counters.count("mqtt_refused")
        match self._traffic.refuse(flight, reason, puback_word(reason), now_s):
            case Refusal.PAUSES:
                step = START_CONSUMER if reason == NO_SUBSCRIBER else ""
                self._standing.enter(SinkState.REFUSED, f"{puback_word(reason)}: {flight.topic}", step=step)
            case Refusal.BURIED:
                self._counters.count("mqtt_dead_letters")

    def _is_refusal(self, reason: int) -> bool:
        unheard = reason == NO_SUBSCRIBER and self._config.require_subscriber
        return unheard or reason >= REFUSALS

    def _watch_client_id(self) -> None:
        """A connection that was made again does not mean that the other client has gone."""
        subject = f"sink {self.name} client_id"
        if self._brokers.is_taken_over():
            told = with_step("another client has the same client_id", NEXT_STEPS[SinkState.TAKEN_OVER])
            self._conditions.set(subject, SinkState.TAKEN_OVER, told)
        else:
            self._conditions.clear(subject)

    def _made_confirmation(self, gateway: str) -> Confirmation | None:
        if self._config.confirmation is None:
            return None
        return Confirmation(
            self._config.confirmation,
            sink=self.name,
            gateway=gateway,
            store=self._store,
            timeline=self._timeline,
            clock=self._clock,
            counters=self._counters,
            conditions=self._conditions,
            now_s=time.monotonic(),
        )

    def _hear_consumers(self, connection: MqttConnection) -> None:
        if self._confirmation is not None:
            self._confirmation.hear(connection.inbox, connection.take_skipped())
            after = self._confirmation.tick(time.monotonic())
            if after is not None:
                self._outbox.again(after, self._confirmation.has)

    def _backlog(self) -> int:
        try:
            return self._store.waiting_for(self.name)
        except StoreError:  # the status of the store says so
            return 0
