"""A durable consumer of what MQTT clients published to a NATS cluster: who takes readings out of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import nats
from nats.errors import TimeoutError as NatsTimeoutError
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.client import JetStreamContext

T = TypeVar("T")
STREAM = "$MQTT_msgs"  # where NATS keeps QoS 1 messages
PREFIX = "$MQTT.msgs."  # of their subjects; a topic's levels are divided by dots there
NAME = "witness"
BATCH = 500
FETCH_S = 5.0
CONNECT_S = 5
ANSWER_S = 15.0  # of JetStream while a leader is elected


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One message that the cluster kept. `number` is its place in the stream: a redelivery has the same."""

    number: int
    topic: str
    payload: bytes

    @property
    def properties(self) -> dict[str, str]:
        """None: MQTT 3.1.1 has no user properties."""
        return {}


class NatsConsumer:
    """A JetStream pull consumer on the messages' own stream.

    The stream keeps a message only while a consumer wants it, so it must be made before the first
    publish. A stream on the topics would store every repeat, and no PUBACK would wait for it.
    """

    def __init__(self, urls: Sequence[str], topics: str = "fieldgate.>") -> None:
        self._urls = list(urls)
        self._topics = topics

    def make(self) -> None:
        """Make it in the cluster; harmless where it is already."""
        configuration = ConsumerConfig(
            durable_name=NAME,
            ack_policy=AckPolicy.EXPLICIT,
            deliver_policy=DeliverPolicy.ALL,
            filter_subject=PREFIX + self._topics,
            ack_wait=30,
            max_ack_pending=-1,
        )

        async def add(stream: JetStreamContext) -> None:
            await stream.add_consumer(STREAM, configuration)

        self._with_cluster(add)

    def take(self) -> list[Kept]:
        """All that waits for it, in the cluster's order; the cluster forgets it then."""
        return self._with_cluster(_take)

    def _with_cluster(self, work: Callable[[JetStreamContext], Awaitable[T]]) -> T:
        async def run() -> T:
            client = await nats.connect(
                self._urls, connect_timeout=CONNECT_S, allow_reconnect=True, error_cb=_ignore
            )
            try:
                return await work(client.jetstream(timeout=ANSWER_S))
            finally:
                await client.close()

        return asyncio.run(run())


async def _take(stream: JetStreamContext) -> list[Kept]:
    consumer = await stream.pull_subscribe_bind(consumer=NAME, stream=STREAM)
    taken: dict[int, Kept] = {}
    while True:
        info = await consumer.consumer_info()
        if not info.num_pending and not info.num_ack_pending:
            return [taken[number] for number in sorted(taken)]
        wanted = min(BATCH, info.num_pending or 1)  # it waits for all that it asks for
        try:
            messages = await consumer.fetch(wanted, FETCH_S)
        except NatsTimeoutError:
            continue
        for message in messages:
            number = message.metadata.sequence.stream
            topic = message.subject.removeprefix(PREFIX).replace(".", "/")
            taken[number] = Kept(number=number, topic=topic, payload=message.data)
            await message.ack()


async def _ignore(_: Exception) -> None:
    """A server that is away is part of the story; what matters comes as an answer that does not."""
