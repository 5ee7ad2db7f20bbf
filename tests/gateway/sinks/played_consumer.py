"""A consumer that the test plays: hears everything, and says what the test wants it to say."""

import json
from contextlib import contextmanager

from hil_tests.broker import Subscriber
from tests.gateway.sinks.records import BOOT, UID


class Historian(Subscriber):
    """Hears everything, and says what the test wants it to say."""

    def say(self, next_seq, *, epoch="one", uid=UID, payload=None, name="historian"):
        marks = [] if next_seq is None else [[uid.hex(), BOOT, 1, next_seq]]
        told = json.dumps({"epoch": epoch, "marks": marks}) if payload is None else payload
        self._client.publish(f"fieldgate/gw/confirm/{name}", told, qos=1, retain=True).wait_for_publish(5)

    def seqs(self, *, hist=None):
        """Of the blocks, those that were or were not on a backfill topic, or both."""
        data = [each for each in self.messages if "/air" in each.topic]
        return [
            int(each.properties["seq"]) for each in data if hist in (None, each.topic.endswith("/backfill"))
        ]

    def gaps(self):
        found = [json.loads(each.payload) for each in self.messages if "/gap" in each.topic]
        return [(each["seq"], each["next_seq"], each["reason"]) for each in found]


@contextmanager
def historian_at(broker, *names):
    """Connected, and known to have nothing: what it is sent first it is sent once."""
    with Historian(broker.url) as historian:
        for name in names or ("historian",):
            historian.say(None, name=name)
        yield historian


async def deliver(bench, sink, until, count):
    """Once the consumers have been heard, which is why each record goes once."""
    await until(lambda: all(each.spoke_ago_s is not None for each in sink.status().consumers))
    if count:
        await bench.fill(count)
    sink.wake()
    await until(lambda: sink.status().backlog == 0)


async def forget(bench):
    bench.store.forget_delivered()
    await bench.store.flush()


async def stored(bench, until, count):
    async def forgotten():
        await forget(bench)
        return bench.store.stored == count

    while not await forgotten():
        await until(lambda: True)


def consumer(sink):
    (status,) = sink.status().consumers
    return status
