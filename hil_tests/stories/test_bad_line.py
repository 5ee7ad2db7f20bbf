"""Lines that damage what they carry, and lines that carry nothing but noise."""

from __future__ import annotations

import contextlib
import os
import pty
import random
import time
import tty
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Self

import pytest

from hil_tests.bench import Bench, NodeBoard, eventually, judge
from hil_tests.demo.identity import Identity
from hil_tests.faulty_line import FaultyLine
from hil_tests.line_damage import Damaged, Faults

pytestmark = [pytest.mark.hil, pytest.mark.timeout(150)]

# Twenty blocks a second, of four nodes: the bad time is about 20 s.
NODES = 4
DENSE = {
    "groups": [
        {"name": "air", "sensors": [0], "period_ms": 100, "scans": 1},
        {"name": "load", "sensors": [1], "period_ms": 100, "scans": 1},
    ],
}
BAD_FRAMES = 1500  # up, of all nodes; fewer go down, for one ACK may do for several blocks
BAD_ANSWERS = 500
BAD_S = 60.0
GOOD_S = 20.0  # for what is left of the bad time
NOISE_S = 10.0
NOISE_EVERY_S = 0.01
NOISE_OCTETS = 1000  # at a time: a line of 1 Mbaud
NOISE_LEAST = 500_000  # of them
WAITING_MOST = 10  # blocks of the good node, most of the time: a second's. One that is starved has ever more
LINES_MOST = 30
DAMAGE = Faults(frames=0.05)
CLEAN = Faults()
SEED = 20


def test_a_line_that_damages_5_percent_of_the_frames_costs_nothing(bench: Bench) -> None:
    nodes = [bench.node(settings=DENSE, plugged=False) for _ in range(NODES)]
    lines = [
        bench.keep(
            FaultyLine(
                node.board.port,
                seed=SEED + number,
                up=DAMAGE,
                down=DAMAGE,
                link=bench.ports / f"tty{number + 1}",
            )
        )
        for number, node in enumerate(nodes)
    ]
    bench.start_gateway()
    eventually(lambda: frames(line.up for line in lines) >= BAD_FRAMES, BAD_S)
    eventually(lambda: frames(line.down for line in lines) >= BAD_ANSWERS, BAD_S)
    for bad in ([line.up for line in lines], [line.down for line in lines]):
        assert sum(each.damaged_frames for each in bad) > frames(bad) * DAMAGE.frames / 2
        for kind in ("flipped", "lost", "doubled"):
            assert sum(getattr(each, kind) for each in bad) > 0
    status = bench.gateway.wait_for(lambda status: status.counters.get("frame_bad_fcs", 0) > 0)
    assert [each.link for each in status.nodes] == ["open"] * NODES

    for line in lines:
        line.set_faults(up=CLEAN, down=CLEAN)
    for node in nodes:
        eventually(partial(all_acknowledged, node, set(node.cable.sent())), GOOD_S)
    bench.settle()
    for node in nodes:
        judge(bench, node)
        assert node.cable.gaps() == set()


def all_acknowledged(node: NodeBoard, sent: set[Identity]) -> bool:
    return sent <= node.cable.acknowledged()


def frames(directions: Iterable[Damaged]) -> int:
    """How many went over these lines, one way."""
    return sum(each.frames for each in directions)


class HostilePort:
    """A device that says seeded random octets as fast as a fast line carries them."""

    def __init__(self, link: Path) -> None:
        self._far, self._near = pty.openpty()
        tty.setraw(self._near)
        os.set_blocking(self._far, False)
        self._link = link
        self._random = random.Random(SEED)
        self.octets = 0
        link.symlink_to(os.ttyname(self._near))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._link.unlink()
        os.close(self._far)
        os.close(self._near)

    def shout(self) -> None:
        """Say the next octets, and forget what was answered."""
        with contextlib.suppress(BlockingIOError):
            self.octets += os.write(self._far, self._random.randbytes(NOISE_OCTETS))
        with contextlib.suppress(BlockingIOError):
            os.read(self._far, 4096)


def test_noise_on_one_line_does_not_disturb_another(bench: Bench) -> None:
    hostile = bench.keep(HostilePort(bench.ports / "tty0"))
    node = bench.node()
    bench.start_gateway()
    bench.gateway.wait_for(lambda status: bool(status.nodes) and status.nodes[0].blocks > 0)
    hellos, lines = len(node.cable.hellos()), len(bench.gateway.log().splitlines())
    end_s = time.monotonic() + NOISE_S
    counts = []
    while time.monotonic() < end_s or hostile.octets < NOISE_LEAST:
        hostile.shout()
        counts.append(len(node.cable.sent().keys() - node.cable.acknowledged()))
        time.sleep(NOISE_EVERY_S)
    status = bench.gateway.wait_for(lambda _status: True)
    bench.settle()

    assert median(counts) <= WAITING_MOST
    assert len(node.cable.hellos()) == hellos
    judge(bench, node)
    assert [(each.name, each.link) for each in status.nodes] == [(node.name, "open")]
    assert {port.path: port.state for port in status.ports}[str(bench.ports / "tty0")] == "open"
    subjects = {fault.subject for fault in status.faults if fault.name.startswith("frame_")}
    assert subjects == {f"line {bench.ports / 'tty0'}"}
    refused = sum(count for name, count in status.counters.items() if name.startswith("frame_"))
    assert refused > hostile.octets / 1000
    # Noise must not fill the disk with what is said about it.
    assert len(bench.gateway.log().splitlines()) - lines < LINES_MOST
