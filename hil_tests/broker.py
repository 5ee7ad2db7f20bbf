"""A real mosquitto on a private port, and a subscriber that keeps what it hears."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from paho.mqtt.client import Client, ConnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from hil_tests.interpreters import mosquitto

START_TIMEOUT_S = 10.0
STOP_TIMEOUT_S = 5.0
HOST = "127.0.0.1"


class BrokerError(RuntimeError):
    """The broker did not start; the message has what it said."""


class Broker:
    """mosquitto with its files in `directory`, always on the same port. A context manager.

    `persistence` keeps sessions and retained messages over a `stop`; `settings` are further lines
    for its configuration.
    """

    def __init__(self, directory: Path, *, persistence: bool = False, settings: str = "") -> None:
        self.port = free_port()
        self._directory = directory
        self._configuration = directory / "mosquitto.conf"
        self._log = directory / "mosquitto.log"
        self._process: subprocess.Popen[bytes] | None = None
        lines = [
            f"listener {self.port} {HOST}",
            "allow_anonymous true",
            "user root",  # started by root it would else become another user, who reads no file of ours
            f"persistence {'true' if persistence else 'false'}",
            f"persistence_location {directory}/",
            settings,
        ]
        directory.mkdir(parents=True, exist_ok=True)
        self._configuration.write_text("\n".join(lines) + "\n")

    @property
    def url(self) -> str:
        """As a sink's configuration names it."""
        return f"mqtt://{HOST}:{self.port}"

    def start(self) -> None:
        """Start and wait until it accepts connections. Raises BrokerError."""
        with self._log.open("ab") as log:
            # A group of its own, so that a signal also reaches what a wrapper has started.
            self._process = subprocess.Popen(
                [mosquitto(), "-c", self._configuration], stdout=log, stderr=log, start_new_session=True
            )
        deadline_s = time.monotonic() + START_TIMEOUT_S
        while not self._accepts():
            if self._process.poll() is not None or time.monotonic() > deadline_s:
                self.kill()
                raise BrokerError(f"mosquitto did not start:\n{self.log()}")
            time.sleep(0.02)

    def stop(self) -> None:
        """End it in order; a broker that does not end is killed."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL."""
        self._signal(signal.SIGKILL)

    def pause(self) -> None:
        """Stop it in its tracks: connections stay open and nobody answers."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """End a pause."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGCONT)

    def log(self) -> str:
        """What it said."""
        return self._log.read_text(errors="backslashreplace") if self._log.exists() else ""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def _signal(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        for each in (number, signal.SIGKILL):
            if process.poll() is None:
                os.killpg(process.pid, each)
            try:
                process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                continue
            return

    def _accepts(self) -> bool:
        try:
            socket.create_connection((HOST, self.port), timeout=1.0).close()
        except OSError:
            return False
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message as it came. `arrived_s` is time.monotonic()."""

    topic: str
    payload: bytes
    retained: bool
    content_type: str
    properties: dict[str, str]
    arrived_s: float


class Subscriber:
    """Hears everything on a topic filter in a thread. A context manager.

    With a `name` the broker keeps what comes while the subscriber is away. With QoS 0 mosquitto
    passes a message on before it confirms it, so that what it confirmed is heard even if it is killed.
    `again_s` after a loss it connects again.
    """

    def __init__(
        self, url: str, topic: str = "fieldgate/#", *, name: str = "", qos: int = 1, again_s: float = 1.0
    ) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or HOST, parts.port or 1883
        self._topic = topic
        self._qos = qos
        self._again_s = again_s
        self._messages: list[Message] = []
        self._news = threading.Condition()
        self._subscribed = threading.Event()
        self._lost = threading.Event()
        self._name = name
        self._client: Client | None = None

    @property
    def messages(self) -> list[Message]:
        """All so far, in the order in which they came."""
        with self._news:
            return list(self._messages)

    def start(self) -> None:
        """Connect and subscribe. Raises TimeoutError or OSError."""
        client = self._client = Client(
            CallbackAPIVersion.VERSION2, client_id=self._name or None, protocol=MQTTProtocolVersion.MQTTv5
        )
        client.on_connect = self._on_connect
        client.on_subscribe = lambda *_: self._subscribed.set()
        client.on_disconnect = lambda *_: self._lost.set()
        client.on_message = self._on_message
        client.reconnect_delay_set(self._again_s, self._again_s)  # type: ignore[arg-type]  # any number of seconds
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        if self._name:
            properties.SessionExpiryInterval = 3600
        client.connect(self._host, self._port, clean_start=not self._name, properties=properties)
        client.loop_start()
        if not self._subscribed.wait(START_TIMEOUT_S):
            self.stop()
            raise TimeoutError(f"not subscribed to {self._topic} after {START_TIMEOUT_S:.0f} s")

    def stop(self) -> None:
        """Disconnect and end the thread."""
        client, self._client = self._client, None
        if client is None:
            return
        client.disconnect()
        client.loop_stop()
        # paho closes its inner pair of sockets when the client is freed: leave no cycle to wait for.
        client.on_connect = client.on_subscribe = client.on_disconnect = client.on_message = None

    def wait_for(self, predicate: Callable[[list[Message]], bool], timeout_s: float = 5.0) -> list[Message]:
        """The messages once they satisfy the predicate. Raises TimeoutError that tells their number."""
        with self._news:
            if not self._news.wait_for(lambda: predicate(self._messages), timeout_s):
                raise TimeoutError(f"{len(self._messages)} messages after {timeout_s:.1f} s")
            return list(self._messages)

    def wait_until_lost(self, timeout_s: float = 5.0) -> list[Message]:
        """All messages up to the first loss of the connection. Raises TimeoutError."""
        if not self._lost.wait(timeout_s):
            raise TimeoutError(f"still connected after {timeout_s:.1f} s")
        return self.messages

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _on_connect(
        self, client: Client, _data: object, _flags: ConnectFlags, reason: ReasonCode, _: Properties | None
    ) -> None:
        if not reason.is_failure:
            client.subscribe(self._topic, qos=self._qos)

    def _on_message(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        properties = message.properties
        heard = Message(
            topic=message.topic,
            payload=bytes(message.payload),
            retained=message.retain,
            content_type=getattr(properties, "ContentType", ""),
            properties=dict(getattr(properties, "UserProperty", [])),
            arrived_s=time.monotonic(),
        )
        with self._news:
            self._messages.append(heard)
            self._news.notify_all()


def free_port() -> int:
    """A TCP port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
