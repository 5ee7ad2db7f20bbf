"""A consumer that tells the gateway what it has on its own disk (docs/integrator.md, confirmation)."""

from __future__ import annotations

import contextlib
import json
import threading
from typing import Self

from paho.mqtt import MQTTException, publish
from paho.mqtt.enums import MQTTProtocolVersion

from hil_tests.broker import HOST, Broker, Subscriber
from hil_tests.delivery import identities
from hil_tests.demo.identity import Stream

EVERY_S = 0.3
EPOCH = "story"


class ConfirmingConsumer:
    """Says every EVERY_S up to which seq `subscriber` has each stream without a hole. A context manager.

    What it heard counts as durable: this consumer never loses anything, and so never begins a new epoch
    (hil_tests/historian.py does). What it does not come past is sent to it again.
    """

    def __init__(self, broker: Broker, subscriber: Subscriber, *, gateway: str, name: str) -> None:
        self._broker = broker
        self._subscriber = subscriber
        self._topic = f"fieldgate/{gateway}/confirm/{name}"
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="confirming")

    def marks(self) -> list[list[str | int]]:
        """Node, boot, stream and the first seq that is lacking, of each stream."""
        seqs: dict[Stream, set[int]] = {}
        for identity in identities(self._subscriber.messages):
            seqs.setdefault(identity.of, set()).add(identity.seq)
        found: list[list[str | int]] = []
        for of, got in seqs.items():
            next_seq = 0
            while next_seq in got:
                next_seq += 1
            found.append([of.node, of.boot, of.stream, next_seq])
        return found

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ending.wait(EVERY_S):
            said = json.dumps({"epoch": EPOCH, "marks": self.marks()})
            with contextlib.suppress(OSError, MQTTException):  # the broker is away: the next time
                publish.single(
                    self._topic,
                    said,
                    qos=1,
                    retain=True,
                    hostname=HOST,
                    port=self._broker.port,
                    protocol=MQTTProtocolVersion.MQTTv5,
                )
