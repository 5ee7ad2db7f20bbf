"""What Wi-Fi costs a node of its heap, beside the same node on a cable.

    .venv/bin/python -m benchmarks.wifi_node_memory [--seconds 60]

The firmware of benchmarks.node_memory, twice: over the console, and by umqtt.simple over a real mosquitto
on this machine. The radio's own memory is not Python's, and not in it.
"""

import argparse
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from benchmarks.node_memory import END_WITHIN_S, JUDGED, Run
from hil_tests.broker import HOST, Broker
from wire import down, up

UID = "240ac4000001"  # of the stand-in
FIGURES = {"free": "heap free", "high_water": "high-water mark", "largest": "largest block"}


class WifiRun(Run):
    """A node whose gateway is at a broker."""

    def __init__(self, directory: Path, seconds: int, broker: Broker) -> None:
        self._client = Client(CallbackAPIVersion.VERSION2)
        self._client.on_message = lambda *came: self.answer(up.decode(came[2].payload))
        self._client.connect(HOST, broker.port)
        self._client.subscribe(f"fieldgate/node/{UID}/up")
        self._client.loop_start()
        link = {
            "via": "wifi",
            "wifi": {"ssid": "site"},
            "broker": {"host": HOST, "port": broker.port},
        }
        super().__init__(directory, JUDGED, seconds, answered=True, link=link)

    def send(self, message: down.Message) -> None:
        """By the broker."""
        self._client.publish(f"fieldgate/node/{UID}/down", message.encode(self.encoder))

    def end(self) -> None:
        """Leave the broker."""
        self._client.disconnect()
        self._client.loop_stop()


def finished(run: Run, seconds: int) -> dict:
    """The node's figures, once it has ended."""
    until = time.monotonic() + seconds + END_WITHIN_S
    while run.take() and time.monotonic() < until:
        pass
    run.process.kill()
    return run.figures()


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=int, default=60)
    seconds = parser.parse_args().seconds
    with ExitStack() as stack:
        cable, air, files = (Path(stack.enter_context(tempfile.TemporaryDirectory())) for _ in range(3))
        broker = stack.enter_context(Broker(files))
        wifi = WifiRun(air, seconds, broker)
        stack.callback(wifi.end)
        console = finished(Run(cable, JUDGED, seconds, answered=True), seconds)
        found = finished(wifi, seconds)
    print(f"{'octets':24} {'console':>8} {'wifi':>8}")
    for key, text in FIGURES.items():
        print(f"{text:24} {console[key]:8} {found[key]:8}")
    print(f"{'records':24} {console['records']:8} {found['records']:8}")


if __name__ == "__main__":
    main()
