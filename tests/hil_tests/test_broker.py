"""hil_tests/broker.py"""

from collections import Counter

import pytest
from paho.mqtt import publish
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from hil_tests.broker import HOST, Broker, BrokerError, Subscriber


def say(broker, text, *, retain=False):
    publish.single(
        "a/b",
        text,
        qos=1,
        retain=retain,
        hostname=HOST,
        port=broker.port,
        protocol=MQTTProtocolVersion.MQTTv5,
    )


def publish_many(broker, count):
    """How the broker answered so many publishes."""
    answers = Counter()
    client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
    client.on_connect = lambda *_: [client.publish("a/b", str(number), qos=1) for number in range(count)]
    client.on_publish = lambda _client, _data, _id, reason, _: answers.update([str(reason)])
    client.connect(HOST, broker.port)
    while answers.total() < count:
        client.loop(1)
    client.disconnect()
    client.on_connect = client.on_publish = None  # paho's pair of sockets goes with the client
    return answers


def texts(messages):
    return [message.payload.decode() for message in messages]


def test_a_subscriber_hears_what_is_published_after_it_has_started(tmp_path):
    with Broker(tmp_path) as broker, Subscriber(broker.url, "a/#") as subscriber:
        say(broker, "one")
        say(broker, "two")
        assert texts(subscriber.wait_for(lambda messages: len(messages) == 2)) == ["one", "two"]


def test_waiting_in_vain_ends_and_tells_what_came(tmp_path):
    in_vain = pytest.raises(TimeoutError, match="0 messages")
    with Broker(tmp_path) as broker, Subscriber(broker.url) as subscriber, in_vain:
        subscriber.wait_for(bool, timeout_s=0.05)


def test_a_killed_broker_comes_back_on_its_port_without_its_memory(tmp_path):
    with Broker(tmp_path) as broker:
        say(broker, "kept", retain=True)
        broker.kill()
        with pytest.raises(OSError, match="refused"):
            say(broker, "nobody there")
        broker.start()
        with Subscriber(broker.url, "a/b") as subscriber:
            say(broker, "new")
            assert texts(subscriber.wait_for(bool)) == ["new"]


def test_a_persistent_broker_keeps_what_is_retained_over_a_stop(tmp_path):
    with Broker(tmp_path, persistence=True) as broker:
        say(broker, "kept", retain=True)
        broker.stop()
        broker.start()
        with Subscriber(broker.url, "a/b") as subscriber:
            assert texts(subscriber.wait_for(bool)) == ["kept"]


def test_a_named_subscriber_hears_later_what_came_while_it_was_away(tmp_path):
    with Broker(tmp_path) as broker:
        with Subscriber(broker.url, "a/b", name="listener"):
            pass
        say(broker, "missed")
        with Subscriber(broker.url, "a/b", name="listener") as subscriber:
            assert texts(subscriber.wait_for(bool)) == ["missed"]


def test_a_broker_that_cannot_start_tells_why(tmp_path):
    broker = Broker(tmp_path, settings="no_such_setting 1")
    with pytest.raises(BrokerError, match="no_such_setting"):
        broker.start()


@pytest.mark.parametrize(("settings", "kept"), [("", 1000), ("max_queued_messages 0", 1500)])
def test_mosquitto_confirms_what_it_drops_for_a_session_that_is_away(tmp_path, settings, kept):
    """As docs/install.md and docs/scaling.md warn."""
    with Broker(tmp_path, persistence=True, settings=settings) as broker:
        with Subscriber(broker.url, "a/#", name="away"):
            pass
        assert publish_many(broker, 1500) == {"Success": 1500}
        with Subscriber(broker.url, "a/#", name="away") as subscriber:
            say(broker, "after")
            heard = subscriber.wait_for(lambda all_: texts(all_)[-1:] == ["after"])
    assert len(heard) == kept + 1
