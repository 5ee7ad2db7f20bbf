"""A board in virtual time whose application has mistakes on purpose, and its gateway."""

import json
from collections.abc import Mapping
from pathlib import Path

from hil_tests.board import Board, VirtualTime
from hil_tests.board.flash import NoSuchFile
from hil_tests.mistaken import (
    BME280_CRASHES,
    CRASHES,
    CRASHES_ON_TRIAL,
    HX711_HANGS,
    launcher_with,
    with_mistake,
)
from hil_tests.session_gateway import SessionGateway
from provisioning.application import Application

__all__ = ["BME280_CRASHES", "CRASHES", "CRASHES_ON_TRIAL", "HX711_HANGS", "launcher_with", "with_mistake"]


def slot_files(application: Application, slot: str) -> dict[str, bytes]:
    """What lies in a slot."""
    return {
        path: octets for path, octets in application.in_slot(slot).items() if path.startswith(f"/{slot}/")
    }


def choice(good: str, trial: str | None = None) -> dict[str, bytes]:
    """A slot.json."""
    return {"/slot.json": json.dumps({"good": good, "trial": trial}).encode()}


class Life:
    """One board with these files on it, started, and what a gateway hears of it."""

    def __init__(self, directory: Path, files: Mapping[str, bytes], **of_board: object) -> None:
        self.time = VirtualTime(seed=1)
        self.board = Board(directory / "node", time=self.time, **of_board)
        self.board.install(files)
        self.said = bytearray()
        self.gateway = SessionGateway(self.board, self.time, self._hear)
        self.board.start()

    def close(self) -> None:
        self.board.close()

    @property
    def starts(self) -> dict[str, int]:
        """How often it started, by cause."""
        return dict(self.board.counters.boots)

    def until_starts(self, count: int, seconds: float = 1000) -> None:
        """Until it has started so often, and a little more, so that the start is counted."""
        self.time.run_until(lambda: sum(self.starts.values()) >= count, seconds)
        self.time.run_for(1)

    def until_log(self, text: str, seconds: float = 100) -> str:
        """The first line told to the gateway that has this in it."""
        self.time.run_until(lambda: any(text in line for line in self.gateway.logs), seconds)
        return next(line for line in self.gateway.logs if text in line)

    def until_good(self, seconds: float = 100) -> None:
        """Until records are acknowledged and the node has had the time to see it."""
        self.time.run_until(lambda: len(self.gateway.records) > 0, seconds)
        self.time.run_for(10)

    def file(self, path: str) -> bytes | None:
        """A file's octets; None where it is not there."""
        try:
            return self.board.read_file(path)
        except NoSuchFile:
            return None

    def _hear(self, way: str, octets: bytes, _at_ns: int) -> None:
        if way == "up":
            self.said += octets
