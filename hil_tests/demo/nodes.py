"""The nodes of the demo: emulated boards with the real firmware, in a world that drifts."""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from hil_tests.board import Board
from hil_tests.board.shim import shim_directory
from hil_tests.chips import HX711Chip, Load
from hil_tests.chips.drift import Drift
from hil_tests.demo.witness import LineWitness
from provisioning.application import build

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hil_tests.chips.world import Air
    from hil_tests.demo.identity import Identity

OUI = bytes.fromhex("240ac4")  # Espressif's, as a real ESP32 has it
DAY_S = 3600.0  # a day of weather in an hour, so that somebody who watches sees it change
DRIFT_EVERY_S = 0.25
PULSES = 25  # of one reading at gain 128, the firmware's default
STARTERS = 8  # boards that are made at a time
# The firmware's defaults, but for blocks of two scans of the air instead of ten: who looks at a demo
# does not want to wait ten seconds for the first temperature.
SETTINGS = {
    "groups": [
        {"name": "air", "sensors": [0], "period_ms": 1000, "scans": 2},
        {"name": "load", "sensors": [1], "period_ms": 100, "scans": 10},
    ],
}


class CountedHX711:
    """A chip, and how many readings were clocked out of it."""

    def __init__(self, chip: HX711Chip) -> None:
        self._chip = chip
        self._level = 0
        self._pulses = 0

    @property
    def readings(self) -> int:
        """Whole ones."""
        return self._pulses // PULSES

    def clock(self, level: int) -> None:
        """The node drives the clock."""
        self._pulses += level > self._level
        self._level = level
        self._chip.clock(level)

    def data(self) -> int:
        """What the node sees."""
        return self._chip.data()

    def pulse(self, count: int) -> None:
        """The node has driven the clock up and down so often."""
        self._pulses += count
        self._chip.pulse(count)

    def ahead(self) -> list[int]:
        """What it will see."""
        return self._chip.ahead()

    def held_us(self) -> int:
        """And for how long nothing else."""
        return self._chip.held_us()


class Node:
    """One board, with what passed its line and how often its chips were asked."""

    def __init__(self, number: int, directory: Path) -> None:
        self.name = f"node-{number}"
        load = Load()
        self._hx711 = CountedHX711(HX711Chip(load, _clock_us, seed=number))
        uid = OUI + number.to_bytes(3, "big")
        self.board = Board(directory / self.name, uid=uid, name=self.name, pin_chip=self._hx711)
        self.drift = Drift(self.board.air, load, seed=number, day_s=DAY_S)
        self.witness = LineWitness(self.uid)
        self._scans_of_air = 0
        self.board.bme280.on_sample(self._count_air)
        self.drift.advance(number * DAY_S / 7)  # not all in the same weather

    @property
    def uid(self) -> str:
        """As the gateway prints it."""
        return self.board.uid.hex()

    def start(self, files: Mapping[str, bytes]) -> None:
        """Put the application on the flash and switch on."""
        settings = {"node": {"name": self.name, "site": "demo"}, **SETTINGS}
        self.board.install({**files, "/settings.json": json.dumps(settings).encode()})
        self.board.on_octets(self._keep)
        self.board.start()

    def sampled(self) -> int:
        """Scans of air and of load that its chips gave it."""
        return self._scans_of_air + self._hx711.readings

    def _keep(self, direction: str, octets: bytes, _boottime_ns: int) -> None:
        if direction == "up":
            self.witness.up(octets)
        else:
            self.witness.down(octets)

    def _count_air(self, _air: Air) -> None:
        self._scans_of_air += 1


class Nodes:
    """All of them, with a folder in which their ports have names that one glob matches."""

    def __init__(self, count: int, directory: Path) -> None:
        self._ports = directory / "ports"
        self._ports.mkdir(parents=True)
        self._nodes = [Node(number, directory) for number in range(1, count + 1)]
        self._ended = threading.Event()
        self._starting = threading.Lock()
        self._weather = threading.Thread(target=self._drift, name="weather")

    @property
    def ports(self) -> str:
        """The glob of their ports, and of nothing else."""
        return f"{self._ports}/node-*"

    @property
    def names(self) -> dict[str, str]:
        """Name by uid."""
        return {node.uid: node.name for node in self._nodes}

    def start(self) -> None:
        """Make the application once, then start all boards. Raises NotBuilt, FlashFault, BoardHostFailed."""
        with self._starting, ThreadPoolExecutor(STARTERS) as starters:
            self._weather.start()
            shim = starters.submit(shim_directory)  # each of the boards would make it otherwise
            files = build().files
            shim.result()
            list(starters.map(lambda node: self._start(node, files), self._nodes))

    def stop(self) -> None:
        """Switch all off and end the weather. Harmless a second time."""
        self._ended.set()
        with self._starting:  # or a board could start after it was stopped
            # Names first: the kernel gives the number of a pty to the next who asks, perhaps a board
            # of another demo, and our gateway must not open that one.
            for node in self._nodes:
                (self._ports / node.name).unlink(missing_ok=True)
            for node in self._nodes:
                node.board.stop()
        if self._weather.is_alive():
            self._weather.join()

    def sampled(self) -> int:
        """Scans that the chips of all nodes gave."""
        return sum(node.sampled() for node in self._nodes)

    def acknowledged(self) -> set[Identity]:
        """Records whose ACK came down some node's line."""
        return set().union(*(node.witness.acknowledged() for node in self._nodes))

    def acknowledged_scans(self) -> int:
        """Scans in blocks whose ACK came."""
        return sum(node.witness.acknowledged_scans() for node in self._nodes)

    def strangers(self, gateway: str) -> list[str]:
        """Of each node that another gateway than ours has spoken to, which one that was."""
        return [
            f"{node.name}: another gateway, {other}, has opened its port and taken its blocks"
            for node in self._nodes
            for other in sorted(node.witness.gateways - {gateway})
        ]

    def mute(self) -> list[str]:
        """Of each node without any ACK, the last line that it printed."""
        return [
            f"{node.name} was never heard; it printed: {node.witness.last_words() or 'nothing'}"
            for node in self._nodes
            if not node.witness.acknowledged()
        ]

    def _start(self, node: Node, files: Mapping[str, bytes]) -> None:
        if not self._ended.is_set():
            node.start(files)
            (self._ports / node.name).symlink_to(node.board.port)

    def _drift(self) -> None:
        while not self._ended.wait(DRIFT_EVERY_S):
            for node in self._nodes:
                node.drift.advance(DRIFT_EVERY_S)


def _clock_us() -> int:
    return time.monotonic_ns() // 1000
