"""A million blocks in the store: what the gateway's memory and its start make of it.

    .venv/bin/python -m benchmarks.backlog [--blocks N] [--seconds S]

The store is filled as the gateway fills it. Then `fieldgate run` as a user starts it, killed with SIGKILL
between its starts: with no broker there, and with one that takes the backlog while a node goes on.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from gateway.store import Arrival, Store
from hil_tests.broker import Broker, Subscriber, free_port
from hil_tests.gateway import GatewayProcess
from hil_tests.steady_node import BOOT, DESCRIPTOR, STREAM, SteadyNode
from wire import cbor, up

BLOCKS = 1_000_000
RESIDENT_LIMIT_MB = 80.0
FIRST_ACK_LIMIT_S = 3.0
LIMIT_S = 120.0
SECONDS = 15.0  # each gateway runs so long behind its first acknowledgement
NODES = 20
BATCH = 512
VALUES = 30
POLL_S = 0.005
SETTINGS = "[store]\nmax_mib = 65536\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """One start of the gateway over the backlog."""

    name: str
    first_ack_s: float
    resident_mb: float  # the most of it
    stored: int
    delivered: int


async def fill(state: Path, blocks: int) -> None:
    """Blocks of NODES nodes, in turn."""
    body = cbor.encode(DESCRIPTOR)
    name = up.descriptor_hash(body)
    encoder = cbor.Encoder(1024)
    store = Store.open(state)
    store.start(lambda _arrivals: None, lambda _arrivals, error: sys.exit(str(error)))
    store.register_sink("mqtt")
    store.put_descriptor(name, body)
    for first in range(0, blocks, BATCH):
        for number in range(first, min(first + BATCH, blocks)):
            node, seq = number % NODES, number // NODES
            values = [2000 + (seq * 7 + each) % 500 for each in range(VALUES)]
            block = up.Block(BOOT, STREAM, seq, 0, seq * 1_000_000, 900_000, values, {})
            uid = bytes.fromhex("240ac40080") + bytes([node])
            octets = bytes(block.encode(encoder))
            arrival = Arrival(uid, BOOT, STREAM, seq, seq + 1, up.Block.TYPE, octets, name, 0, number * 1000)
            assert store.append(arrival)
        await store.flush()
    await store.close()


def start(name: str, gateway: GatewayProcess, node: SteadyNode, seconds: float) -> Start:
    """Start it, wait for the node's first new acknowledgement, watch it for a while, kill it."""
    before = len(node.acknowledged)
    node.flow()
    began_s = time.monotonic()
    gateway.start()
    while len(node.acknowledged) == before:
        if time.monotonic() - began_s > LIMIT_S:
            raise SystemExit(f"{name}: nothing is acknowledged\n{gateway.log_end()}")
        time.sleep(POLL_S)
    first_ack_s = time.monotonic() - began_s
    time.sleep(seconds)
    node.hush()
    status = gateway.wait_for(lambda _: True)
    resident_mb = _resident_mb(gateway.pid)
    gateway.kill()
    return Start(
        name=name,
        first_ack_s=first_ack_s,
        resident_mb=resident_mb,
        stored=status.store.stored,
        delivered=sum(sink.delivered for sink in status.sinks),
    )


def _resident_mb(pid: int | None) -> float:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    [line] = [each for each in lines if each.startswith("VmHWM:")]
    return int(line.split()[1]) / 1024


def measure(directory: Path, blocks: int, seconds: float) -> list[Start]:
    """All starts."""
    began_s = time.monotonic()
    asyncio.run(fill(directory / "state", blocks))
    octets = (directory / "state" / "store.db").stat().st_size
    print(f"{blocks} blocks stored in {time.monotonic() - began_s:.0f} s, {octets / 1e6:.0f} MB")
    with ExitStack() as stack:
        node = stack.enter_context(SteadyNode(every_s=0.05))
        broker = Broker(directory / "broker")
        nobody = f"mqtt://127.0.0.1:{free_port()}"
        starts = [
            start("no broker", _gateway(directory, node, nobody, stack), node, seconds) for _ in range(2)
        ]
        stack.enter_context(broker)
        stack.enter_context(Subscriber(broker.url, qos=0))
        return starts + [
            start("draining", _gateway(directory, node, broker.url, stack), node, seconds) for _ in range(2)
        ]


def _gateway(directory: Path, node: SteadyNode, url: str, stack: ExitStack) -> GatewayProcess:
    gateway = GatewayProcess(
        directory, name="bench", ports=node.port, brokers={"mqtt": url}, settings=SETTINGS
    )
    stack.callback(gateway.stop)
    return gateway


def main() -> None:
    """Measure, print, and fail when a limit is broken."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--blocks", type=int, default=BLOCKS)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fieldgate-backlog-") as directory:
        starts = measure(Path(directory), options.blocks, options.seconds)
    print(f"{'':22}{'first ACK, s':>14}{'resident, MB':>14}{'stored':>12}{'delivered':>12}")
    for each in starts:
        print(
            f"{each.name:22}{each.first_ack_s:14.2f}{each.resident_mb:14.1f}{each.stored:12}{each.delivered:12}"
        )
    print(f"limits: first ACK within {FIRST_ACK_LIMIT_S} s, resident below {RESIDENT_LIMIT_MB} MB")
    if any(each.first_ack_s > FIRST_ACK_LIMIT_S or each.resident_mb > RESIDENT_LIMIT_MB for each in starts):
        raise SystemExit("a limit is broken")


if __name__ == "__main__":
    main()
