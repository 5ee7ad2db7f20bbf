"""Everything that one story needs: boards, cables, a broker, a subscriber, a gateway; and the verdict."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack, closing, suppress
from pathlib import Path
from typing import Any, Self, TypeVar

from gateway.store.account import Account, account
from hil_tests.board import AccessPoint, Board, Wiring
from hil_tests.broker import Broker, Subscriber
from hil_tests.cable import Cable
from hil_tests.demo.identity import Gap, Identity, Stream
from hil_tests.demo.publication import Block, understood
from hil_tests.gateway import GatewayProcess
from hil_tests.stock_image import umqtt
from hil_tests.truth import Truth
from hil_tests.verdict import BLOCK, Row, mistakes, unaccounted
from provisioning.application import build

T = TypeVar("T")
GATEWAY = "story"
SINK = "mqtt"
ARCHIVE = "archive"  # a sink that never gets anything, so that the store keeps all
NOWHERE = "mqtt://127.0.0.1:9"  # nobody listens there (RFC 863 is long gone)
OUI = bytes.fromhex("240ac4")
POLL_S = 0.05
# Shorter than in the field, so that a story has more to tell: about ten blocks a second.
SETTINGS: Mapping[str, Any] = {
    "groups": [
        {"name": "air", "sensors": [0], "period_ms": 200, "scans": 2},
        {"name": "load", "sensors": [1], "period_ms": 100, "scans": 2},
    ],
}


class NodeBoard:
    """A board with the application on its flash, what passes its cable, and what its chips say."""

    def __init__(
        self,
        directory: Path,
        number: int,
        settings: Mapping[str, Any],
        *,
        wiring: Wiring | None = None,
        access_point: AccessPoint | None = None,
    ) -> None:
        self.name = f"node-{number}"
        self.board = Board(
            directory / self.name,
            uid=OUI + number.to_bytes(3, "big"),
            name=self.name,
            wiring=wiring,
            access_point=access_point,
        )
        self.uid = self.board.uid.hex()
        self.truth = Truth(self.board)
        self.cable = Cable(self.uid)
        self.board.on_octets(self.cable.take)
        named = {"node": {"name": self.name}, **settings}
        files = {**build().files, "/settings.json": json.dumps(named).encode()}
        self.board.install({**files, **umqtt()} if access_point else files)


class Bench:
    """A context manager. The broker and the subscriber run at once; gateway and nodes on demand.

    With `archive` the store keeps every record, so that the verdict can look at it. `settings` and
    `module` are the gateway's (hil_tests/gateway.py).
    """

    def __init__(
        self, directory: Path, *, archive: bool = True, settings: str = "", module: str = "gateway.cli"
    ) -> None:
        self.ports = directory / "dev"
        self.ports.mkdir()
        self.broker = Broker(directory / "broker", persistence=True)
        self.subscriber = Subscriber(self.broker.url, name="witness")
        brokers = {SINK: self.broker.url, **({ARCHIVE: NOWHERE} if archive else {})}
        self.gateway = GatewayProcess(
            directory / "gateway",
            name=GATEWAY,
            ports=f"{self.ports}/tty*",
            brokers=brokers,
            settings=settings,
            module=module,
        )
        self.nodes: list[NodeBoard] = []
        self._directory = directory
        self._undo = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as undo:
            undo.enter_context(self.broker)
            undo.enter_context(self.subscriber)
            undo.callback(self.gateway.kill)
            self._undo = undo.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        for node in self.nodes:
            node.board.close()
        self._undo.close()

    def keep(self, part: AbstractContextManager[T]) -> T:
        """Have a part of the story end before the broker does."""
        return self._undo.enter_context(part)

    def node(
        self,
        *,
        settings: Mapping[str, Any] = SETTINGS,
        plugged: bool = True,
        wiring: Wiring | None = None,
        access_point: AccessPoint | None = None,
    ) -> NodeBoard:
        """A board that is switched on; `plugged` into the gateway as ttyN, N counting from 1."""
        number = len(self.nodes) + 1
        node = NodeBoard(self._directory, number, settings, wiring=wiring, access_point=access_point)
        self.nodes.append(node)
        node.board.start()
        if plugged:
            self.plug(node, f"tty{len(self.nodes)}")
        return node

    def plug(self, node: NodeBoard, name: str) -> None:
        """The node's port appears to the gateway under this name."""
        (self.ports / name).symlink_to(node.board.port)

    def unplug(self, node: NodeBoard, name: str) -> None:
        """Pull the cable: the name is gone, and whoever has it open is hung up."""
        (self.ports / name).unlink()
        node.board.unplug()

    def start_gateway(self) -> None:
        """Start it, and wait until it answers."""
        self.gateway.start()
        self.gateway.wait_for(lambda _status: True)

    def heard(self) -> list[Block | Gap]:
        """What the subscriber got so far, repeats included. Raises NotUnderstood."""
        found = [understood(each.topic, each.properties, each.payload) for each in self.subscriber.messages]
        return [each for each in found if each is not None]

    def received(self) -> set[Identity]:
        """The blocks that the subscriber got."""
        return {each.identity for each in self.heard() if isinstance(each, Block)}

    def rows(self) -> list[Row]:
        """The store's records, in its order."""
        path = self.gateway.state / "store.db"
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as store:
            found = store.execute(
                "SELECT uid, boot, stream, seq, next_seq, kind, message FROM record ORDER BY id"
            ).fetchall()
        return [
            Row(of=Stream(uid.hex(), boot, stream), seq=seq, next_seq=next_seq, kind=kind, message=message)
            for uid, boot, stream, seq, next_seq, kind, message in found
        ]

    def account(self) -> Account:
        """What `fieldgate ledger` says of the store."""
        return account(self.gateway.state / "store.db")

    def settle(self, timeout_s: float = 15.0) -> None:
        """Switch all boards off, and wait until the broker has what the gateway has."""
        for node in self.nodes:
            node.board.kill()
        self.gateway.wait_for(lambda status: status.store.waiting[SINK] == 0, timeout_s)
        stored = {row.identity for row in self.rows() if row.kind == BLOCK}
        eventually(lambda: stored <= self.received(), timeout_s)


def eventually(fact: Callable[[], object], timeout_s: float) -> None:
    """Wait until the fact is true. Raises TimeoutError."""
    deadline_s = time.monotonic() + timeout_s
    while not fact():
        if time.monotonic() > deadline_s:
            raise TimeoutError(f"not so after {timeout_s:.1f} s")
        time.sleep(POLL_S)


def judge(bench: Bench, node: NodeBoard) -> None:
    """Nothing is wrong with what each place says of the node's records. Needs an archive."""
    sent, acknowledged = node.cable.sent(), node.cable.acknowledged()
    rows = [row for row in bench.rows() if row.of.node == node.uid]
    # What a board had said when it was switched off may be stored a moment later.
    with suppress(TimeoutError):
        eventually(lambda: {row.identity for row in rows if row.kind == BLOCK} <= bench.received(), 15)
    found = mistakes(
        sent=sent,
        acknowledged=acknowledged,
        rows=rows,
        heard=[each for each in bench.heard() if isinstance(each, Block) and each.identity.node == node.uid],
        readings=node.cable.readings,
    )
    found += unaccounted(bench.account())
    assert not found, found
