"""One real nats-server of a cluster, on private ports."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from hil_tests.broker import HOST, STOP_TIMEOUT_S, free_port

CLUSTER = "fieldgate"
ASK_S = 2.0

# Why these settings: docs/scaling.md.
_CONFIGURATION = """\
server_name: {name}
listen: "{host}:{port}"
http: "{host}:{monitor_port}"
log_file: "{directory}/nats.log"
jetstream {{
    store_dir: "{directory}/jetstream"
    sync_interval: always
}}
cluster {{
    name: {cluster}
    listen: "{host}:{route_port}"
    routes: [{routes}]
}}
mqtt {{
    listen: "{host}:{mqtt_port}"
    ack_wait: "30s"
    max_ack_pending: 1000
}}
"""


class NatsServer:
    """nats-server with its files in `directory`, always on the same ports. Harmless to stop twice."""

    def __init__(self, directory: Path, name: str) -> None:
        self.name = name
        self.port, self.route_port, self.mqtt_port, self._monitor_port = (free_port() for _ in range(4))
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """As a client of NATS names it."""
        return f"nats://{HOST}:{self.port}"

    @property
    def mqtt_url(self) -> str:
        """As a sink's configuration names it."""
        return f"mqtt://{HOST}:{self.mqtt_port}"

    @property
    def running(self) -> bool:
        """Whether its process is there."""
        return self._process is not None and self._process.poll() is None

    def start(self, route_ports: Sequence[int]) -> None:
        """Start it as one of the servers with these route ports. Does not wait."""
        self._directory.mkdir(parents=True, exist_ok=True)
        path = self._directory / "nats.conf"
        routes = ", ".join(f'"nats://{HOST}:{port}"' for port in route_ports)
        path.write_text(
            _CONFIGURATION.format(
                name=self.name,
                host=HOST,
                port=self.port,
                monitor_port=self._monitor_port,
                directory=self._directory,
                cluster=CLUSTER,
                route_port=self.route_port,
                routes=routes,
                mqtt_port=self.mqtt_port,
            )
        )
        program = Path(sys.executable).with_name("nats-server")
        self._process = subprocess.Popen(
            [program, "-c", path], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )

    def stop(self) -> None:
        """End it in order; one that does not end is killed."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL."""
        self._signal(signal.SIGKILL)

    def ask(self, path: str) -> dict[str, Any]:
        """What its monitoring port answers; nothing while it does not."""
        try:
            with urlopen(f"http://{HOST}:{self._monitor_port}/{path}", timeout=ASK_S) as answer:
                found: dict[str, Any] = json.load(answer)
        except (OSError, ValueError):
            return {}
        return found

    def accepts(self) -> bool:
        """Whether it takes connections of MQTT clients."""
        try:
            socket.create_connection((HOST, self.mqtt_port), timeout=ASK_S).close()
        except OSError:
            return False
        return True

    def log_end(self) -> str:
        """The latest lines of its log."""
        path = self._directory / "nats.log"
        return "\n".join(path.read_text(errors="replace").splitlines()[-5:]) if path.exists() else ""

    def _signal(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        deadline_s = time.monotonic() + STOP_TIMEOUT_S
        if process.poll() is None:
            os.kill(process.pid, number)
        try:
            process.wait(max(0.1, deadline_s - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
