"""gateway/sinks/mqtt.py and a peer that answers with nonsense: counted, named, and nothing is lost."""

from random import Random

import pytest

from hil_tests.broker_answers import Takings
from hil_tests.delivery import identities
from hil_tests.fake_broker import FakeBroker, puback

SEED = 5
NONSENSE = 15  # answers
BLOCKS = 20
MOST_OCTETS = 40


def damaged(octets, random):
    """A right answer with something wrong: cut, doubled, a bit turned, octets in front."""
    at = random.randrange(len(octets))
    match random.randrange(4):
        case 0:
            return octets[:at]
        case 1:
            return octets + octets
        case 2:
            return bytes([*octets[:at], octets[at] ^ 1 << random.randrange(8), *octets[at + 1 :]])
    return random.randbytes(random.randrange(1, MOST_OCTETS)) + octets


class Nonsense:
    """Answers nonsense so often, each time the last word of its connection; and then rightly."""

    def __init__(self, random):
        self.left = NONSENSE
        self.connects = []  # the broker's
        self._random = random
        self._silent_in = 0  # number of the connection

    def __call__(self, published):
        right = puback(published)
        if self._silent_in == len(self.connects):
            return b""
        if not self.left or self._random.random() < 0.5:
            return right
        self.left -= 1
        self._silent_in = len(self.connects)
        if self._random.random() < 0.5:
            return self._random.randbytes(self._random.randrange(1, MOST_OCTETS))
        return damaged(right, self._random)


@pytest.mark.timeout(60)  # some dozens of connections, each of which may wait for an ack
async def test_a_broker_that_answers_nonsense_costs_time_and_no_block(bench, sinking, until):
    bench.measure()
    await bench.fill(BLOCKS)
    nonsense = Nonsense(Random(SEED))
    takings = Takings(nonsense)
    async with FakeBroker(takings) as broker, sinking(broker.url, ack_timeout_s=0.3, window=5) as sink:
        nonsense.connects = broker.connects
        appended = BLOCKS
        while nonsense.left:
            await bench.fill(1, first=appended)
            appended += 1
            sink.wake()
            connects = len(broker.connects)
            await until(
                lambda connects=connects: sink.status().backlog == 0 or len(broker.connects) > connects
            )
        await until(lambda: sink.status().backlog == 0)
        assert {identity.seq for identity in identities(takings.taken)} == set(range(appended))
        assert len(broker.connects) >= NONSENSE // 2
        assert bench.counters.snapshot()["mqtt_connections_lost"] >= len(broker.connects) - 1
