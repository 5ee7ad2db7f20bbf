"""SIGKILL of the real gateway at random moments; what it acknowledged is known outside of it, to the node."""

from __future__ import annotations

import asyncio
import random
import shutil
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from gateway.store import Store, Stored
from hil_tests.demo.identity import Identity, Stream
from hil_tests.faults.history import scratch
from hil_tests.faults.nursery import Nursery, kill
from hil_tests.steady_node import SteadyNode

VICTIMS = 4  # gateways at once, each with a state directory and a node of its own
BLOCK_EVERY_S = 0.004
START_S = 0.25  # within it: the configuration, the store's recovery, the port, the first HELLO
FLOW_S = 0.12  # within it: several commits and their ACKs
FIRST_ACK_S = 20.0  # more is a gateway that does not come back
POLL_S = 0.002
ALL_ROWS = 10_000_000
MISTAKES_KEPT = 20
CONFIGURATION = """\
[gateway]
name = "victim"
state_directory = "{state}"

[[port]]
glob = "{port}"

[store]
group_commit_ms = {commit_ms}
"""


@dataclass(slots=True)
class Counts:
    """`first_ack_s`: from the start of a process to its first ACK, where it lived so long."""

    kills: int = 0
    acknowledged: int = 0
    rows: int = 0
    lost: int = 0
    first_ack_s: list[float] = field(default_factory=list)
    mistakes: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


def kill_loop(
    seed: int,
    kills: int,
    *,
    mistake: str = "",
    commit_ms: int = 20,
    told: Callable[[Counts], None] = lambda _counts: None,
) -> Counts:
    """Kill gateways so many times in all, at moments drawn from the seed, and judge after each kill."""
    counts = Counts()
    with scratch() as name, Nursery(mistake) as nursery, ThreadPoolExecutor(VICTIMS) as threads:
        shares = [kills // VICTIMS + (number < kills % VICTIMS) for number in range(VICTIMS)]
        starting = threading.Lock()

        def suffer(number: int) -> None:
            chance = random.Random(f"{seed} {number}")
            with SteadyNode(bytes.fromhex("240ac40060") + bytes([number]), every_s=BLOCK_EVERY_S) as node:
                victim = _Victim(Path(name) / str(number), node, nursery, starting, commit_ms)
                for _ in range(shares[number]):
                    victim.die(chance, counts)
                    told(counts)
                with counts.lock:
                    counts.acknowledged += len(node.acknowledged)
                    counts.rows += len(victim.rows)

        list(threads.map(suffer, range(VICTIMS)))
    return counts


class _Victim:
    """A gateway that is started and killed again and again, and its node."""

    def __init__(
        self, directory: Path, node: SteadyNode, nursery: Nursery, starting: threading.Lock, commit_ms: int
    ) -> None:
        directory.mkdir()
        self.rows: list[Stored] = []
        self._node = node
        self._nursery = nursery
        self._starting = starting
        self._state = directory / "state"
        self._copy = directory / "copy"
        self._log = directory / "log"
        self._config = directory / "fieldgate.toml"
        configuration = CONFIGURATION.format(state=self._state, port=node.port, commit_ms=commit_ms)
        self._config.write_text(configuration, encoding="utf-8")
        node.flow()

    def die(self, chance: random.Random, counts: Counts) -> None:
        """Start, live for a while, be killed, be judged."""
        before = len(self._node.acknowledged)
        began_s = time.monotonic()
        with self._starting:
            pid = self._nursery.start(self._config, self._log)
        try:
            if chance.random() < 0.5:
                time.sleep(chance.uniform(0, START_S))
            else:
                counts.first_ack_s.append(self._until_acknowledged(before) - began_s)
                time.sleep(chance.uniform(0, FLOW_S))
        finally:
            kill(pid)
        self._judge(counts)

    def _until_acknowledged(self, before: int) -> float:
        deadline_s = time.monotonic() + FIRST_ACK_S
        while len(self._node.acknowledged) <= before:
            if time.monotonic() > deadline_s:
                log = self._log.read_text(encoding="utf-8", errors="replace")[-1000:]
                raise TimeoutError(f"nothing acknowledged within {FIRST_ACK_S:.0f} s:\n{log}")
            time.sleep(POLL_S)
        return time.monotonic()

    def _judge(self, counts: Counts) -> None:
        acknowledged = self._node.acknowledged
        self.rows = asyncio.run(self._stored())
        stored: dict[Identity, bytes] = {}
        mistakes = []
        for row in self.rows:
            identity = Stream(row.uid.hex(), row.boot, row.stream).record(row.seq)
            if identity in stored:
                mistakes.append(f"{identity} is stored twice")
            stored[identity] = row.message
            if row.message != self._node.octets.get(row.seq):
                mistakes.append(f"{identity} is not what was sent")
        lost = acknowledged - stored.keys()
        with counts.lock:
            counts.kills += 1
            counts.lost += len(lost)
            counts.mistakes += mistakes
            counts.mistakes += [
                f"kill {counts.kills}: acknowledged and lost: {each}" for each in sorted(lost)[:3]
            ]
            del counts.mistakes[MISTAKES_KEPT:]

    async def _stored(self) -> list[Stored]:
        """From a copy, for the next start has to find what the kill left."""
        if not self._state.exists():
            return []
        self._copy.mkdir(exist_ok=True)
        for name in ("store.db", "store.db-wal"):
            (self._copy / name).unlink(missing_ok=True)
            if (self._state / name).exists():
                shutil.copyfile(self._state / name, self._copy / name)
        store = Store.open(self._copy)
        try:
            return store.read_after(0, ALL_ROWS)
        finally:
            await store.close()
