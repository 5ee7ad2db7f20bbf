"""A node in virtual time: its settings, its board, the gateway that takes what it says."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hil_tests.board import Board, VirtualTime
from hil_tests.session_gateway import SessionGateway
from provisioning.application import build
from wire import faults, up
from wire.scans import scans_of


class VirtualNode:
    """`time`, `board`, `gateway`, and what it took."""

    def __init__(self, board: Board, time: VirtualTime, gateway: SessionGateway) -> None:
        self.board = board
        self.time = time
        self.gateway = gateway

    def blocks(self, group: int) -> list[up.Block]:
        taken = self.gateway.records
        return [record for record in taken if isinstance(record, up.Block) and record.group == group]

    def scans(self, group: int, channels: int = 1) -> list[list[int | str]]:
        """Every scan of a group, a fault's name for each value that is missing."""
        found = []
        for block in self.blocks(group):
            for number, scan in enumerate(scans_of(block, channels)):
                names = block.exceptions
                at = number * channels
                found.append(
                    [
                        faults.name_of(names[at + channel]) if value is None else value
                        for channel, value in enumerate(scan)
                    ]
                )
        return found

    def probes(self, chip: str) -> list[float]:
        """When a chip was talked to, in seconds."""
        return [each.boottime_ns / 1e9 for each in self.board.accesses if each.chip == chip]


@contextmanager
def virtual_node(
    directory: Path,
    settings: dict,
    time: VirtualTime | None = None,
    files: dict[str, bytes] | None = None,
    **of_board: Any,
) -> Iterator[VirtualNode]:
    """A node with these settings, and more `files`, that runs when the time of `.time` passes."""
    time = time or VirtualTime(seed=1)
    board = Board(directory / "node", time=time, **of_board)
    board.install({**build().files, "/settings.json": json.dumps(settings).encode(), **(files or {})})
    gateway = SessionGateway(board, time)
    with board:
        yield VirtualNode(board, time, gateway)
