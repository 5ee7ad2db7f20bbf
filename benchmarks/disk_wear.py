"""Octets that reach the disk for each octet of readings: SD cards wear.

    sudo .venv/bin/python -m benchmarks.disk_wear [--seconds S]

The gateway is `fieldgate run` as a user starts it, its state directory on ext4 in a loop device of its own,
with a broker that takes everything. What the device was given is in the fields 7 (sectors written) and
16 (flushes) of its stat in /sys/block (Documentation/block/stat.rst). What a card makes of it inside is
not seen.
"""

from __future__ import annotations

import argparse
import math
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from gateway.store.database import WAL_PAGES
from hil_tests.broker import Broker, Subscriber
from hil_tests.gateway import GatewayProcess
from hil_tests.real_disk import MIB, RealDisk, has_ext4
from hil_tests.steady_node import SteadyNode

SECTOR_OCTETS = 512
RATIO_LIMIT = 10.0  # octets on the device for each of a reading
SECONDS = 40.0
WARM_S = 5.0
SCANS = 10  # of a block, three channels each
FILL_LIMIT_S = 60.0
PAGE_OCTETS = 4096
READING_OCTETS = 100  # of a scan of three channels with its time, as JSON has it (benchmarks.wire_sizes)
DAY_S = 86_400
HEAD = """\
                          window  blocks  octets, a block   a scan  ratio  flushes      MB
                              ms     a s  on wire  on disk  on disk         a block   a day"""
SETTINGS = "[store]\nfree_floor_mib = 1\ngroup_commit_ms = {window_ms}\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What the nodes send."""

    name: str
    nodes: int
    every_s: float  # a block of each
    window_ms: int = 20


LOADS = (
    Load(name="10 nodes, 1 scan/s", nodes=10, every_s=10.0),
    Load(name="the same, 250 ms", nodes=10, every_s=10.0, window_ms=250),
    Load(name="10 nodes, 10 scans/s", nodes=10, every_s=1.0),
    Load(name="the same, 250 ms", nodes=10, every_s=1.0, window_ms=250),
    Load(name="10 nodes, 100 scans/s", nodes=10, every_s=0.1),
    Load(name="the same, 250 ms", nodes=10, every_s=0.1, window_ms=250),
    Load(name="10 nodes, 1000 scans/s", nodes=10, every_s=0.01),
)


class Counts(NamedTuple):
    """Of a device, since it is there."""

    octets: int
    flushes: int


class Wear(NamedTuple):
    """What a load came to."""

    blocks: int
    payload_octets: int
    written: Counts
    given_octets: int  # to the file system, as the gateway counts it

    @property
    def a_reading(self) -> float:
        """Octets on the device for each scan."""
        return self.written.octets / max(1, self.blocks) / SCANS


def counts(device: str) -> Counts:
    """What the device was given so far."""
    fields = Path(f"/sys/block/{Path(device).name}/stat").read_text(encoding="ascii").split()
    return Counts(int(fields[6]) * SECTOR_OCTETS, int(fields[15]))


def measure(load: Load, directory: Path, seconds: float) -> Wear:
    """Let the nodes send for so long."""
    with ExitStack() as stack:
        disk = stack.enter_context(RealDisk(octets=128 * MIB, kind="ext4"))
        broker = stack.enter_context(Broker(directory / "broker"))
        stack.enter_context(Subscriber(broker.url, qos=0))
        ports = directory / "ports"
        ports.mkdir()
        nodes = [
            stack.enter_context(
                SteadyNode(bytes.fromhex("240ac40090") + bytes([each]), every_s=load.every_s, scans=SCANS)
            )
            for each in range(load.nodes)
        ]
        for each, node in enumerate(nodes):
            node.plug(ports / str(each))
        gateway = GatewayProcess(
            directory,
            name="wear",
            ports=f"{ports}/*",
            brokers={"mqtt": broker.url},
            settings=SETTINGS.format(window_ms=load.window_ms),
        )
        gateway.state = disk.path / "state"
        stack.callback(gateway.stop)
        gateway.start()
        gateway.wait_for(lambda now: len(now.nodes) == load.nodes and now.sinks[0].state == "online")
        for node in nodes:
            node.flow()
            time.sleep(load.every_s / load.nodes)  # each has its own moment
        fill_wal(directory, gateway)
        time.sleep(WARM_S)
        before, taken, given = counts(disk.device), acknowledged(nodes), _given(gateway)
        time.sleep(max(seconds, math.ceil(seconds / load.every_s) * load.every_s))
        new = {name: octets for name, octets in acknowledged(nodes).items() if name not in taken}
        after = counts(disk.device)
        written = Counts(after.octets - before.octets, after.flushes - before.flushes)
        return Wear(len(new), sum(new.values()), written, _given(gateway) - given)


def fill_wal(directory: Path, gateway: GatewayProcess) -> None:
    """Until the WAL has its full size: as long as it grows, ext4 writes its journal with each commit."""
    deadline_s = time.monotonic() + FILL_LIMIT_S
    with SteadyNode(every_s=0.002, scans=60) as node:
        node.plug(directory / "ports" / "fast")
        node.flow()
        while (gateway.state / "store.db-wal").stat().st_size < WAL_PAGES * PAGE_OCTETS:
            if time.monotonic() > deadline_s:
                raise SystemExit("the WAL does not fill")
            time.sleep(0.1)
        (directory / "ports" / "fast").unlink()


def acknowledged(nodes: list[SteadyNode]) -> dict[tuple[int, int], int]:
    """The octets of every block that is acknowledged, by node and number."""
    return {
        (number, record.seq): len(node.octets[record.seq])
        for number, node in enumerate(nodes)
        for record in node.acknowledged
    }


def _given(gateway: GatewayProcess) -> int:
    io = Path(f"/proc/{gateway.pid}/io").read_text(encoding="ascii")
    return int(io.partition("\nwrite_bytes:")[2].split(maxsplit=1)[0])


def main() -> None:
    """Measure and print; fail when the limit is broken."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--only", type=int, help="the number of one load, from 0")
    options = parser.parse_args()
    if not has_ext4():
        raise SystemExit("this needs root, for a loop device: sudo .venv/bin/python -m benchmarks.disk_wear")
    print(HEAD)
    broken = []
    for number, load in enumerate(LOADS):
        if options.only is not None and number != options.only:
            continue
        with tempfile.TemporaryDirectory(prefix="fieldgate-wear-") as directory:
            found = measure(load, Path(directory), options.seconds)
        blocks = max(1, found.blocks)
        per_s = load.nodes / load.every_s
        a_block = found.written.octets / blocks
        ratio = found.a_reading / READING_OCTETS
        print(
            f"{load.name:24}{load.window_ms:8}{per_s:8.0f}{found.payload_octets / blocks:9.0f}{a_block:9.0f}"
            f"{found.a_reading:9.0f}{ratio:7.1f}{found.written.flushes / blocks:9.2f}"
            f"{a_block * per_s * DAY_S / 1e6:8.0f}",
            flush=True,
        )
        if ratio > RATIO_LIMIT:
            broken.append(load.name)
    print(f"limit: ratio {RATIO_LIMIT:.0f}, to the {READING_OCTETS} octets that a scan has as JSON")
    if broken:
        raise SystemExit(f"a limit is broken: {', '.join(broken)}")


if __name__ == "__main__":
    main()
