"""hil_tests/broker.py"""

import pytest
from paho.mqtt import publish
from paho.mqtt.enums import MQTTProtocolVersion

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
