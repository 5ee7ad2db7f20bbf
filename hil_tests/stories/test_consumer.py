"""The consumer in docs/integrator.md does what the page says."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from hil_tests.bench import Bench, eventually
from hil_tests.broker import HOST, Message

pytestmark = [pytest.mark.hil, pytest.mark.timeout(60)]

PAGE = Path(__file__).parents[2] / "docs" / "integrator.md"
LINE = re.compile(r"\d{10}\.\d{3} \+-\d+\.\d{6} [0-9a-f]{12} [a-z_]+(/q)? \S+ ?\S*")


@contextmanager
def consumer(directory: Path, port: int) -> Iterator[Path]:
    """The page's program, running; gives the file that it prints into."""
    program, *_ = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    source, output = directory / "consumer.py", directory / "consumer.txt"
    source.write_text(program, encoding="utf-8")
    with output.open("wb") as stream:
        process = subprocess.Popen([sys.executable, source, HOST, str(port)], stdout=stream, stderr=stream)
        try:
            yield output
        finally:
            process.kill()
            process.wait()


def publish(messages: list[Message], port: int) -> None:
    """Publish what was heard, and wait until the broker has it."""
    client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
    client.connect(HOST, port)
    client.loop_start()
    for message in messages:
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        properties.UserProperty = list(message.properties.items())
        client.publish(message.topic, message.payload, 1, properties=properties).wait_for_publish(5)
    client.disconnect()
    client.loop_stop()


def test_the_consumer_of_the_manual_prints_each_reading_once(bench: Bench, tmp_path: Path) -> None:
    node = bench.node()
    port = bench.broker.port
    with consumer(tmp_path, port) as output:
        # Connected before the first reading, as the page asks for.
        eventually(lambda: "my-consumer" in bench.broker.log(), 10)
        bench.start_gateway()
        eventually(lambda: "air_temperature 12.5 Cel" in output.read_text(), 20)
        node.board.bme280.nacks = True
        eventually(lambda: re.search(r"air_temperature/q (bus|absent)", output.read_text()), 20)
        bench.settle()
        heard = [each for each in bench.subscriber.messages if each.topic.endswith("/load")]
        latest = heard[-1]
        # Each once more, then one that is news: when it is printed, the others were seen.
        publish([*heard, replace(latest, properties=latest.properties | {"seq": "999999"})], port)
        records = sum(each.payload.count(b"bridge_counts") for each in [*heard, latest])
        eventually(lambda: output.read_text().count("bridge_counts") >= records, 10)
        lines = output.read_text().splitlines()
    assert [line for line in lines if not LINE.fullmatch(line)] == []
    kinds = Counter("bridge_counts" in line for line in lines)
    assert kinds[True] == records
    assert kinds[False] > 0
