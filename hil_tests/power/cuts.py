"""Power cuts of a computer that runs the real gateway; its node stays up outside, and remembers every ACK."""

from __future__ import annotations

import asyncio
import random
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from gateway.store import Store, Stored
from hil_tests.demo.identity import Identity, Stream
from hil_tests.power.guest import Guest, read_disk
from hil_tests.steady_node import SteadyNode
from wire import up

ROOT = Path(__file__).resolve().parents[2]
UID = bytes.fromhex("240ac4006100")
BLOCK_EVERY_S = 0.01
EARLY = 0.2  # of the cuts come while it boots and starts
START_S = 6.0  # within it: the kernel, Python, the store's recovery, the first HELLO
FLOW_S = 0.6
FIRST_ACK_S = 120.0
POLL_S = 0.005
ALL_ROWS = 10_000_000
STATE = "state"
FILES = ("store.db", "store.db-wal")
MISTAKES_KEPT = 20
CONFIGURATION = """\
[gateway]
name = "guest"
state_directory = "{state}"

[[port]]
glob = "/dev/ttyS0"
# The guest's serial driver stops for good when it is given more than its 4096 octets at once.
window = 1024

[store]
group_commit_ms = 20
free_floor_mib = 1
"""


@dataclass(slots=True)
class Counts:
    """`first_ack_s`: from switching on to the first ACK, where it lived so long."""

    cuts: int = 0
    acknowledged: int = 0
    rows: int = 0
    lost: int = 0
    first_ack_s: list[float] = field(default_factory=list)
    mistakes: list[str] = field(default_factory=list)


def power_cuts(
    seed: int, cuts: int, *, mistake: str = "", told: Callable[[Counts], None] = lambda _counts: None
) -> Counts:
    """Cut the power so many times, at moments drawn from the seed, and judge the disk after each cut.

    `mistake` is the name of one of hil_tests/faults/mistakes.py, or nothing for the gateway as it is.
    """
    chance = random.Random(seed)
    counts = Counts()
    with TemporaryDirectory(prefix="fieldgate-") as name, SteadyNode(UID, every_s=BLOCK_EVERY_S) as node:
        guest = _guest(Path(name), node.port, mistake)
        node.flow()
        try:
            for _ in range(cuts):
                _live(guest, node, chance, counts)
                guest.cut()
                _judge(guest, Path(name), node, counts)
                told(counts)
        finally:
            guest.cut()
        counts.acknowledged = len(node.acknowledged)
    return counts


def _guest(directory: Path, port: str, mistake: str) -> Guest:
    config = directory / "fieldgate.toml"
    module = ["hil_tests.faults.mistakes", mistake] if mistake else ["gateway.cli"]
    command = [sys.executable, "-m", *module, "run", "--config", str(config)]
    guest = Guest(directory, command, folder=ROOT, port=port)
    config.write_text(CONFIGURATION.format(state=guest.mounted / STATE), encoding="utf-8")
    return guest


def _live(guest: Guest, node: SteadyNode, chance: random.Random, counts: Counts) -> None:
    before = len(node.acknowledged)
    began_s = time.monotonic()
    guest.boot()
    if chance.random() < EARLY:
        time.sleep(chance.uniform(0, START_S))
        return
    while len(node.acknowledged) <= before:
        if time.monotonic() > began_s + FIRST_ACK_S:
            raise TimeoutError(f"nothing acknowledged within {FIRST_ACK_S:.0f} s:\n{guest.console()}")
        time.sleep(POLL_S)
    counts.first_ack_s.append(time.monotonic() - began_s)
    time.sleep(chance.uniform(0, FLOW_S))


def _judge(guest: Guest, directory: Path, node: SteadyNode, counts: Counts) -> None:
    acknowledged = node.acknowledged
    mistakes = []
    stored: set[Identity] = set()
    named: set[Identity] = set()
    rows = asyncio.run(_stored(guest, directory))
    for row in rows:
        stream = Stream(row.uid.hex(), row.boot, row.stream)
        if row.kind == up.Gap.TYPE:
            named.update(stream.record(seq) for seq in range(row.seq, row.next_seq))
            continue
        if stream.record(row.seq) in stored:
            mistakes.append(f"{stream.record(row.seq)} is stored twice")
        stored.add(stream.record(row.seq))
        if row.message != node.octets.get(row.seq):
            mistakes.append(f"{stream.record(row.seq)} is not what was sent")
    lost = acknowledged - stored
    vanished = lost - named
    mistakes += [f"acknowledged, lost and not named: {each}" for each in sorted(vanished)[:3]]
    mistakes += [f"acknowledged and lost: {each}" for each in sorted(lost)[:3]]
    counts.cuts += 1
    counts.rows = len(rows)
    counts.lost += len(lost)
    counts.mistakes += [f"cut {counts.cuts}: {each}" for each in mistakes]
    del counts.mistakes[MISTAKES_KEPT:]


async def _stored(guest: Guest, directory: Path) -> list[Stored]:
    files = read_disk(guest.disk, directory, [f"{STATE}/{name}" for name in FILES])
    judged = directory / "judged"
    judged.mkdir(exist_ok=True)
    for name in FILES:
        (judged / name).unlink(missing_ok=True)
        if f"{STATE}/{name}" in files:
            (judged / name).write_bytes(files[f"{STATE}/{name}"])
    if not (judged / FILES[0]).exists():
        return []
    store = Store.open(judged)
    try:
        return store.read_after(0, ALL_ROWS)
    finally:
        await store.close()
