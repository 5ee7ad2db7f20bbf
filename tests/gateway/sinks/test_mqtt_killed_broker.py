"""gateway/sinks/mqtt.py and a real broker that dies by SIGKILL at any moment, over and over.

The broker passes a message on before it confirms it, and keeps nothing: what it confirmed was heard, or
its confirmation was a lie. So the set of what was heard is the judge.
"""

import asyncio
from itertools import count
from random import Random

import pytest

from hil_tests.broker import Broker, Subscriber
from hil_tests.counts import COUNTED
from hil_tests.delivery import Delivery
from tests.gateway.sinks.records import BOOT, UID

KILLS = 50
SEED = 3
ALIVE_S = 0.25  # at most: within it the sink connects, delivers what waits and what comes
BLOCKS = 10  # at once, a hundred times a second


async def measure(bench, sink):
    """Blocks for ever."""
    for number in count():
        await bench.fill(BLOCKS, first=BLOCKS * number)
        sink.wake()
        await asyncio.sleep(0.01)


def heard(subscriber):
    return {int(each.properties["seq"]) for each in subscriber.messages if "seq" in each.properties}


@pytest.mark.timeout(90)  # fifty starts of a broker
async def test_a_broker_killed_fifty_times_costs_repeats_and_no_block(
    bench, tmp_path, sinking, until, record_property
):
    random = Random(SEED)
    bench.measure()
    with (
        Broker(tmp_path / "broker", settings="max_queued_messages 0") as broker,
        Subscriber(broker.url, qos=0, again_s=0.02) as subscriber,
    ):
        async with sinking(broker.url) as sink:
            measuring = asyncio.create_task(measure(bench, sink))
            cut = 0  # kills in mid flow
            for number in range(KILLS):
                await asyncio.sleep(random.uniform(0, ALIVE_S))
                if number % 2:
                    await until(lambda: sink.status().in_flight, every_s=0)
                cut += sink.status().in_flight > 0
                broker.kill()
                # Ids count from 1 as the seqs of this one stream do from 0.
                delivered = set(range(bench.store.cursor("mqtt")))
                await until(lambda delivered=delivered: delivered <= heard(subscriber))
                await asyncio.to_thread(broker.start)
            measuring.cancel()
            await asyncio.wait([measuring])
            await bench.committed()
            await until(lambda: sink.status().backlog == 0)
        made = set(range(bench.store.next_seq(UID, BOOT, 1)))
        await until(lambda: made <= heard(subscriber))
        delivery = Delivery(subscriber.messages)
    assert {identity.seq for identity in delivery.blocks} == made
    assert delivery.two_faced() == []
    assert cut >= KILLS // 2
    repeats = delivery.repeats
    record_property(COUNTED, f"{KILLS} kills, {cut} in mid flow, {len(made)} blocks, {repeats} repeats")
