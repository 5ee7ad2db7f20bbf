"""gateway/sinks/confirmation.py: a sink, a real store and broker, and a consumer that the test plays."""

import json

import pytest

from gateway.sink_config import ConfirmationConfig
from gateway.sinks.confirmation import ConsumerState
from gateway.sinks.marks import MESSAGE_OCTETS
from gateway.sinks.protocol import Version
from gateway.sinks.sink_state import SinkState
from gateway.store.holds import Hold
from gateway.store.losses import FORGOTTEN
from gateway.store.store import FORGET_LEAST
from hil_tests.broker import Broker
from tests.gateway.sinks.played_consumer import Historian, consumer, deliver, forget, historian_at, stored
from tests.gateway.sinks.records import BOOT, UID

COUNT = 4 * FORGET_LEAST
NO_TAIL = ConfirmationConfig(consumers=("historian",), tail_hours=0, tail_mib=0)


@pytest.fixture
def broker(tmp_path):
    with Broker(tmp_path / "broker") as broker:
        yield broker


@pytest.fixture
def confirming(broker, sinking):
    def start(config=NO_TAIL, **settings):
        return sinking(broker.url, confirmation=config, **settings)

    return start


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr("gateway.sinks.confirmation.HEARD_EVERY_S", 0.0)
    monkeypatch.setattr("gateway.sinks.consumer.REPLAY_EVERY_S", 0.0)


async def test_delivered_records_stay_until_the_consumer_has_them(bench, broker, confirming, until):
    bench.measure()
    with historian_at(broker) as historian:
        async with confirming() as sink:
            await deliver(bench, sink, until, COUNT)
            await until(lambda: consumer(sink).state == ConsumerState.BEHIND)
            await forget(bench)
            assert bench.store.stored == COUNT
            assert consumer(sink).behind == COUNT
            historian.say(2 * FORGET_LEAST)
            await until(lambda: consumer(sink).behind == COUNT - 2 * FORGET_LEAST)
            await stored(bench, until, COUNT - 2 * FORGET_LEAST)
            historian.say(COUNT)
            await until(lambda: consumer(sink).state == ConsumerState.UP_TO_DATE)
            await stored(bench, until, 1)  # the newest always stays
        await until(lambda: set(historian.seqs()) == set(range(COUNT)))
    assert len(historian.seqs()) == COUNT  # nothing was sent twice


async def test_the_slowest_of_two_consumers_decides(bench, broker, confirming, until):
    bench.measure()
    two = ConfirmationConfig(consumers=("historian", "twin"), tail_hours=0, tail_mib=0)
    with historian_at(broker, "historian", "twin") as historian:
        async with confirming(two) as sink:
            await deliver(bench, sink, until, COUNT)
            historian.say(COUNT)
            historian.say(FORGET_LEAST, name="twin")
            await until(
                lambda: [each.behind for each in sink.status().consumers] == [0, COUNT - FORGET_LEAST]
            )
            await stored(bench, until, COUNT - FORGET_LEAST)


async def test_a_tail_stays_though_everybody_has_it(bench, broker, confirming, until):
    bench.measure()
    tail = ConfirmationConfig(consumers=("historian",), tail_hours=1)
    with historian_at(broker) as historian:
        async with confirming(tail) as sink:
            await deliver(bench, sink, until, COUNT)
            historian.say(COUNT)
            await until(lambda: consumer(sink).state == ConsumerState.UP_TO_DATE)
            await forget(bench)
            assert bench.store.stored == COUNT
            bench.clock.now_ns += 3_600 * 10**9
            await stored(bench, until, 1)


async def test_an_old_copy_of_the_consumer_is_filled_again_and_what_is_gone_is_named(
    bench, broker, confirming, until
):
    bench.measure()
    with historian_at(broker) as historian:
        async with confirming(NO_TAIL) as sink:
            await deliver(bench, sink, until, COUNT)
            historian.say(2 * FORGET_LEAST)
            await stored(bench, until, COUNT - 2 * FORGET_LEAST)
            before = len(historian.seqs())
            historian.say(10, epoch="restored")
            await until(lambda: len(historian.seqs()) >= before + COUNT - 2 * FORGET_LEAST)
            await until(lambda: historian.gaps() != [])
            # It is sent again until the historian says that it has it: the last round may be cut short.
            await until(lambda: set(historian.seqs(hist=True)) >= set(range(2 * FORGET_LEAST, COUNT)))
            await until(lambda: sink.status().backlog == 0)
    assert historian.gaps() == [(10, 2 * FORGET_LEAST, FORGOTTEN)]


async def test_a_mark_that_falls_back_is_sent_again_without_what_the_consumer_has(
    bench, broker, confirming, until
):
    other = bytes.fromhex("24becf804ff2")
    bench.measure()
    bench.measure(other)
    with historian_at(broker) as historian:
        async with confirming(ConfirmationConfig(consumers=("historian",))) as sink:
            await deliver(bench, sink, until, 0)
            for seq in range(20):
                await bench.fill(1, first=seq)
                await bench.fill(1, first=seq, uid=other)
            await deliver(bench, sink, until, 0)
            everything = [[uid.hex(), BOOT, 1, 20] for uid in (UID, other)]
            historian.say(None, payload=json.dumps({"epoch": "one", "marks": everything}))
            await until(lambda: consumer(sink).state == ConsumerState.UP_TO_DATE)
            historian.say(15)
            await until(lambda: len(historian.seqs()) >= 45)
            await until(lambda: bench.store.cursor("mqtt") == 40)
    again = [each for each in historian.messages if "/air" in each.topic][40:]
    assert [(each.properties["node"], int(each.properties["seq"])) for each in again] == [
        (UID.hex(), seq) for seq in range(15, 20)
    ]
    assert historian.gaps() == []


async def test_the_gateway_remembers_what_was_confirmed_over_a_restart(bench, broker, confirming, until):
    bench.measure()
    kept = ConfirmationConfig(consumers=("historian",))
    with historian_at(broker) as historian:
        async with confirming(kept) as sink:
            await deliver(bench, sink, until, 20)
            historian.say(12)
            await until(lambda: consumer(sink).behind == 8)
        async with confirming(kept) as sink:
            await until(lambda: consumer(sink).behind == 8)
            await until(lambda: consumer(sink).spoke_ago_s is not None)  # the retained message came
            historian.say(20)
            await until(lambda: consumer(sink).state == ConsumerState.UP_TO_DATE)
    assert historian.seqs() == list(range(20))  # the same epoch: nothing is sent again


async def test_a_consumer_that_does_not_come_past_a_record_is_sent_it_again(bench, broker, confirming, until):
    bench.measure()
    config = ConfirmationConfig(consumers=("historian",), resend_after_s=1)
    with historian_at(broker) as historian:
        async with confirming(config) as sink:
            await deliver(bench, sink, until, 20)
            historian.say(18)
            await until(lambda: consumer(sink).behind == 2)

            def insisting():
                historian.say(18)
                return len(historian.seqs()) >= 22

            await until(insisting, every_s=0.2)
    assert historian.seqs()[20:] == [18, 19]


async def test_a_silent_consumer_is_a_fault_until_it_speaks(bench, broker, confirming, until):
    bench.measure()
    config = ConfirmationConfig(consumers=("historian",), silent_after_s=1)
    with historian_at(broker) as historian:
        async with confirming(config) as sink:
            await deliver(bench, sink, until, 5)
            await until(bench.conditions.faults)
            [fault] = bench.conditions.faults()
            assert consumer(sink).state == ConsumerState.SILENT
            assert (fault.subject, fault.state) == ("sink mqtt consumer historian", "consumer_silent")
            assert sink.status().state == SinkState.ONLINE
            historian.say(5)
            await until(lambda: bench.conditions.faults() == ())


async def test_hostile_words_are_counted_named_and_change_nothing(bench, broker, confirming, until):
    bench.measure()
    with historian_at(broker) as historian:
        async with confirming(ConfirmationConfig(consumers=("historian",))) as sink:
            await deliver(bench, sink, until, 10)
            historian.say(10)
            await until(lambda: consumer(sink).state == ConsumerState.UP_TO_DATE)

            def counted(name):
                return bench.counters.snapshot().get(name, 0)

            for count, payload in enumerate([b"", b"[" * 50_000, b"\xff", '{"epoch":1}'], start=1):
                historian.say(0, payload=payload)
                await until(lambda count=count: counted("confirmations_refused") == count)
            assert {fault.state for fault in bench.conditions.faults()} == {"confirmation_unreadable"}
            assert consumer(sink).state == ConsumerState.UP_TO_DATE
            historian.say(5, uid=b"nobody")
            historian.say(1 << 62, name="stranger")
            await until(lambda: counted("confirmation_marks_unknown") == 1)
            historian.say(1 << 62)
            await until(lambda: counted("confirmation_marks_ahead") == 1)
            assert bench.conditions.faults() == ()
            await bench.fill(1, first=10)
            sink.wake()
            await until(lambda: consumer(sink).behind == 1)  # what came after is not taken for confirmed
    assert historian.seqs() == list(range(11))


async def test_a_message_too_long_does_not_cost_the_connection(bench, broker, confirming, until):
    bench.measure()
    with Historian(broker.url) as historian:
        historian.say(0, payload=b"x" * 4 * MESSAGE_OCTETS)  # retained, so it comes at each connection
        async with confirming(ConfirmationConfig(consumers=("historian",))) as sink:
            await until(lambda: sink.status().state == SinkState.ONLINE)
            historian.say(None)
            await deliver(bench, sink, until, 3)
            historian.say(3)
            await until(lambda: consumer(sink).behind == 0)
    assert bench.counters.snapshot()["mqtt_connections"] == 1


async def test_nothing_is_forgotten_before_it_is_known_what_they_have(bench, broker, confirming):
    bench.measure()
    await bench.fill(COUNT)
    bench.store.register_sink("mqtt")
    bench.store.move_cursor("mqtt", COUNT)
    bench.store.hold("mqtt", Hold(COUNT, COUNT))
    await bench.store.flush()
    broker.kill()
    async with confirming():  # nobody can be heard
        await forget(bench)
        assert bench.store.stored == COUNT


async def test_consumers_confirm_in_mqtt_3_1_1_as_well(bench, broker, confirming, until, monkeypatch):
    monkeypatch.setattr(
        "gateway.sinks.protocol.ProtocolMemory.version", lambda _memory, _now_s: Version.MQTT_3_1_1
    )
    bench.measure()
    with historian_at(broker) as historian:
        async with confirming() as sink:
            await deliver(bench, sink, until, 5)
            historian.say(5)
            await until(lambda: consumer(sink).behind == 0)
            assert sink.status().protocol == "mqtt 3.1.1"
        heard = historian.wait_for(lambda all_: all_[-1].payload == b'{"state":"offline"}')  # the will
    assert {tuple(each.properties) for each in heard if "/air" in each.topic} == {()}
    firsts = [json.loads(each.payload)[0] for each in heard if "/air" in each.topic]
    assert [(each["node"], each["boot"], each["stream"], each["seq"]) for each in firsts] == [
        (UID.hex(), BOOT, 1, seq) for seq in range(5)
    ]
