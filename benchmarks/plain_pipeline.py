"""The plainest Python pipeline with the same durability: the baseline of gateway_throughput.py.

One thread reads the terminal, checks FCS-32 and decodes with cbor2; the main thread inserts in
group commits (SQLite WAL, synchronous FULL) and publishes each block with QoS 1; a PUBACK deletes
the row in the next commit. No session, no acknowledgement to the node, no clock, no SenML.

What it publishes is the block as it came, 60 octets; with --json the same readings with names and
times as JSON text, as a user of an MQTT broker would write them.
"""

from __future__ import annotations

import argparse
import json
import os
import queue
import sys
import threading
import time
from itertools import accumulate
from zlib import crc32

import apsw
import cbor2
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

GROUP_S = 0.020
GROUP_ROWS = 512
BLOCK = 3  # the message's type
WINDOW = 20  # the fastest for paho's thread (facts of the peers' measurements)
CHANNELS = (("air_temperature", 100), ("relative_humidity", 100), ("air_pressure", 1))  # of link_feed
US_PER_S = 1_000_000


def json_text(message: bytes) -> bytes:
    """The block's readings, an object for each scan."""
    _type, boot, _stream, seq, _group, first_us, span_us, values = cbor2.loads(message)
    columns = [
        [raw / divisor for raw in accumulate(values[channel :: len(CHANNELS)])]
        for channel, (_name, divisor) in enumerate(CHANNELS)
    ]
    last = len(columns[0]) - 1
    scans = []
    for scan, row in enumerate(zip(*columns, strict=True)):
        reading = {name: value for (name, _divisor), value in zip(CHANNELS, row, strict=True)}
        reading["time"] = (first_us + span_us * scan // last) / US_PER_S
        scans.append(reading)
    return json.dumps({"node": "240ac4000001", "boot": boot, "seq": seq, "scans": scans}).encode()


class Pipeline:
    """From one port to one broker, `count` blocks."""

    def __init__(self, path: str, database: str, host: str, port: int, count: int, *, json: bool) -> None:
        self._line = os.open(path, os.O_RDWR | os.O_NOCTTY)
        self._count = count
        self._payload = json_text if json else bytes
        self._blocks: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._database = apsw.Connection(database)
        self._database.pragma("journal_mode", "wal")
        self._database.pragma("synchronous", 2)
        self._database.execute("CREATE TABLE block (id INTEGER PRIMARY KEY, message BLOB)")
        self._room = threading.Semaphore(WINDOW)
        self._confirmed: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
        self._client.on_publish = self._on_publish
        self._client.connect(host, port)
        self._client.loop_start()

    def run(self) -> None:
        """Until everything is confirmed."""
        threading.Thread(target=self._read, daemon=True).start()
        published = confirmed = 0
        while confirmed < self._count:
            group = self._group() if published < self._count else []
            first = published + 1
            delivered = [(self._confirmed.get_nowait(),) for _ in range(self._confirmed.qsize())]
            confirmed += len(delivered)
            if group or delivered:
                self._database.execute("BEGIN IMMEDIATE")
                self._database.executemany("INSERT INTO block (message) VALUES (?)", [(m,) for m in group])
                self._database.executemany("DELETE FROM block WHERE id = ?", delivered)
                self._database.execute("COMMIT")
            for row, message in enumerate(group, first):
                self._room.acquire()
                self._client.publish(f"plain/{row % 4}", self._payload(message), qos=1)
            published += len(group)
            if not group:
                time.sleep(0.001)

    def _read(self) -> None:
        rest = b""
        while True:
            *segments, rest = (rest + os.read(self._line, 65536)).split(b"\x7e")
            for segment in segments:
                if not segment:
                    continue
                octets = segment
                if b"\x7d" in octets:
                    octets = octets.replace(b"\x7d\x5e", b"\x7e").replace(b"\x7d\x5d", b"\x7d")
                message = octets[:-4]
                if (
                    crc32(message) == int.from_bytes(octets[-4:], "little")
                    and cbor2.loads(message)[0] == BLOCK
                ):
                    self._blocks.put(message)

    def _group(self) -> list[bytes]:
        group = [self._blocks.get()]
        deadline_s = time.monotonic() + GROUP_S
        while len(group) < GROUP_ROWS:
            try:
                group.append(self._blocks.get(timeout=max(0, deadline_s - time.monotonic())))
            except queue.Empty:
                break
            if time.monotonic() > deadline_s:
                break
        return group

    def _on_publish(self, _client: object, _data: object, mid: int, *_: object) -> None:
        self._confirmed.put(mid)
        self._room.release()


def main() -> None:
    """Print `ready`, work, print `done`."""
    parser = argparse.ArgumentParser()
    for name in ("path", "database", "host"):
        parser.add_argument(name)
    for name in ("port", "count"):
        parser.add_argument(name, type=int)
    parser.add_argument("--json", action="store_true")
    pipeline = Pipeline(**vars(parser.parse_args()))
    print("ready", flush=True)
    pipeline.run()
    print("done", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
