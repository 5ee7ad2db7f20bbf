"""hil_tests/nats_cluster.py and nats_consumer.py: what the stories of a cluster stand on."""

import time
from threading import Event

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from hil_tests.broker import HOST
from hil_tests.nats_cluster import NatsCluster
from hil_tests.nats_consumer import NatsConsumer

pytestmark = pytest.mark.timeout(60)


def consumer_of(cluster):
    return NatsConsumer([server.url for server in cluster.servers.values()])


def publish(port, texts, timeout_s=10.0):
    """Publish at QoS 1 over one connection; the texts that were acknowledged in time."""
    client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv311)
    accepted, acknowledged = Event(), []
    client.on_connect = lambda *_: accepted.set()
    client.connect(HOST, port)
    client.loop_start()
    try:
        if accepted.wait(timeout_s):
            sent = [(text, client.publish("fieldgate/gw/node/air", text, qos=1)) for text in texts]
            deadline_s = time.monotonic() + timeout_s
            for text, info in sent:
                info.wait_for_publish(max(0.01, deadline_s - time.monotonic()))
                acknowledged += [text] if info.is_published() else []
    finally:
        client.disconnect()
        client.loop_stop()
        client.on_connect = None
    return acknowledged


def test_what_was_acknowledged_waits_for_its_consumer(tmp_path):
    texts = [f"text {number}" for number in range(200)]
    with NatsCluster(tmp_path) as cluster:
        consumer = consumer_of(cluster)
        consumer.make()
        assert publish(cluster.servers["n1"].mqtt_port, texts) == texts
        taken = consumer.take()
        assert [kept.payload.decode() for kept in taken] == texts
        assert {kept.topic for kept in taken} == {"fieldgate/gw/node/air"}
        assert consumer.take() == []


def test_what_nobody_wants_is_acknowledged_and_dropped(tmp_path):
    """As docs/scaling.md warns: the consumer is to be made before the first gateway connects."""
    with NatsCluster(tmp_path) as cluster:
        assert publish(cluster.servers["n1"].mqtt_port, ["lost"]) == ["lost"]
        consumer = consumer_of(cluster)
        consumer.make()
        assert consumer.take() == []
