"""Three real nats-servers that are one MQTT broker: JetStream, three copies of everything."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from typing import Any, Self, TypeVar

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from hil_tests.broker import HOST, BrokerError
from hil_tests.nats_consumer import STREAM
from hil_tests.nats_server import NatsServer

T = TypeVar("T")
SERVERS = 3
START_S = 30.0
ELECTION_S = 30.0  # measured: 4 to 8 s
CONNECT_S = 10.0
POLL_S = 0.05


class NatsCluster:
    """A context manager. The servers are n1, n2 and n3; MQTT 3.1.1 is spoken at `urls`."""

    def __init__(self, directory: Path) -> None:
        names = [f"n{number}" for number in range(1, SERVERS + 1)]
        self.servers = {name: NatsServer(directory / name, name) for name in names}

    @property
    def urls(self) -> list[str]:
        """The MQTT listeners, as a sink's configuration names them."""
        return [server.mqtt_url for server in self.servers.values()]

    def server_of(self, mqtt_url: str) -> NatsServer:
        """The server that listens there."""
        return next(server for server in self.servers.values() if server.mqtt_url == mqtt_url)

    def start(self) -> None:
        """Start all, and wait until each lets clients in: NATS makes its streams for the first one.

        Raises BrokerError.
        """
        try:
            for name in self.servers:
                self.start_server(name)
            self._wait(self._met, START_S, "the servers did not find each other")
            for server in self.servers.values():
                self._wait(lambda server=server: _lets_in(server), START_S, "no MQTT client was let in")  # type: ignore[misc]
            self.wait_for_copies()
        except BrokerError:
            self.kill()
            raise

    def kill(self) -> None:
        """SIGKILL to all."""
        for server in self.servers.values():
            server.kill()

    def start_server(self, name: str) -> None:
        """Start one server, for the first time or with what it has on its disk. Does not wait."""
        self.servers[name].start([server.route_port for server in self.servers.values()])

    def kill_leader(self) -> str:
        """SIGKILL to the server that leads the messages' stream; gives its name. Raises BrokerError."""
        name = self.wait_for_leader()
        self.servers[name].kill()
        return name

    def running(self) -> Iterator[NatsServer]:
        """The servers that are there."""
        return (server for server in self.servers.values() if server.running)

    def leader(self) -> str:
        """The server that leads the messages' stream; empty while there is none."""
        return str(self._stream().get("leader", ""))

    def wait_for_leader(self) -> str:
        """The server that leads, once there is one. Raises BrokerError."""
        return self._wait(self.leader, ELECTION_S, "the messages have no leader")

    def wait_for_copies(self) -> None:
        """Wait until every server has all that the leader has. Raises BrokerError."""
        self._wait(self._copied, ELECTION_S, "the copies are not complete")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def _met(self) -> bool:
        return all(
            server.ask("jsz").get("meta_cluster", {}).get("leader") for server in self.servers.values()
        )

    def _copied(self) -> bool:
        copies = self._stream().get("replicas", [])
        return len(copies) == SERVERS - 1 and all(
            each["current"] and not each.get("offline") for each in copies
        )

    def _stream(self) -> dict[str, Any]:
        """What the leader of the messages' stream says of its copies; nothing without a leader."""
        for server in self.running():
            for account in server.ask("jsz?streams=true&accounts=true").get("account_details", []):
                for stream in account.get("stream_detail", []):
                    cluster = stream.get("cluster", {})
                    if stream["name"] == STREAM and cluster.get("leader") == server.name:
                        return dict(cluster)
        return {}

    def _wait(self, fact: Callable[[], T], timeout_s: float, otherwise: str) -> T:
        deadline_s = time.monotonic() + timeout_s
        while not (found := fact()):
            if time.monotonic() > deadline_s:
                logs = "\n".join(server.log_end() for server in self.servers.values())
                raise BrokerError(f"{otherwise} after {timeout_s:.0f} s:\n{logs}")
            time.sleep(POLL_S)
        return found


def _lets_in(server: NatsServer) -> bool:
    """Whether a client of MQTT 3.1.1 is accepted there."""
    accepted = Event()
    client = Client(
        CallbackAPIVersion.VERSION2, f"probe-{server.name}", protocol=MQTTProtocolVersion.MQTTv311
    )
    client.on_connect = lambda _client, _data, _flags, reason, _: (
        None if reason.is_failure else accepted.set()
    )
    try:
        client.connect(HOST, server.mqtt_port)
    except OSError:
        return False
    client.loop_start()
    found = accepted.wait(CONNECT_S)
    client.disconnect()
    client.loop_stop()
    client.on_connect = None  # paho's pair of sockets goes with the client: leave no cycle
    return found
