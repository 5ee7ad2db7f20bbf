"""A real installation on an emulated board whose power goes at a chosen octet of a step."""

import shutil
import threading
from dataclasses import dataclass
from pathlib import Path

import pytest

from hil_tests.board import Board
from provisioning import application, board_link, greeting
from provisioning.application import build
from provisioning.install import Installation, InstallFailed
from provisioning.progress import SilentProgress
from provisioning.serial_port import SerialPort
from provisioning.settings_wish import SettingsWish
from provisioning.step import Progress, Step

OLD_VERSION = "0.0.1"
# Short blocks, so that the first readings come at once.
OLD_SETTINGS = (
    b'{"node": {"name": "old"}, "groups": [{"name": "all", "sensors": [0, 1], "period_ms": 100, "scans": 1}]}'
)
NEW_NAME = "new"


OLD_MAIN = b"import gc\n\ngc.threshold(4096)\nfrom firmware import app\n\napp.main()\n"


def old_application() -> dict[str, bytes]:
    """Another version, from before there were slots, with sources and a module that is no more."""
    files = {f"/lib/{path}": octets for path, octets in build().modules.items()}
    files["/main.py"] = OLD_MAIN
    version = f'VERSION = "{OLD_VERSION}"\n'.encode()
    files["/lib/firmware/__init__.mpy"] = application._compiled("firmware/__init__.py", version)
    for module in ("wire.errors", "firmware.clock"):
        path = "/lib/" + module.replace(".", "/")
        del files[path + ".mpy"]
        files[path + ".py"] = application._read(application._source_of(module))
    files["/lib/drivers/gone.py"] = b"GONE = 1\n"
    files["/settings.json"] = OLD_SETTINGS
    return files


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What started after a cut, and what after the next run of the tool: (version, node's name)."""

    said: str  # by the tool about the board; "" if it was done
    starts: tuple[str, str]
    repaired: tuple[str, str]


class Steps(SilentProgress):
    """Knows the step that is under way."""

    step: Step | None = None

    def begin(self, step: Step, octets: int = 0) -> None:
        """The next step."""
        self.step = step


class Bench:
    """Makes boards with the old application on them and cuts their power."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._golden = directory / "golden"
        self._new = build()
        board = Board(self._golden)
        board.install(old_application())
        with board:  # its first start counts its boots
            self._who(board)

    def cut_at(self, step: Step, octets: int) -> Found:
        """Install, cut the power once so many octets of that step went to the board, start, ask who runs."""
        directory = self._directory / f"{step.name}-{octets}"
        directory.mkdir()
        shutil.copy(self._golden / "flash.img", directory)
        try:
            with Board(directory) as board:
                said = self._install_until(board, step, octets)
                board.start()
                starts = self._who(board)
                assert self._install(board) == ""
                return Found(said=said, starts=starts, repaired=self._who(board))
        finally:
            shutil.rmtree(directory)

    def _install_until(self, board: Board, step: Step, limit: int) -> str:
        now = threading.Event()
        progress = Steps()
        sent = 0

        def count(direction: str, octets: bytes, _boottime_ns: int) -> None:
            nonlocal sent
            if direction == "down" and progress.step is step:
                sent += len(octets)
                if sent >= limit:
                    now.set()

        def kill() -> None:
            now.wait()
            board.kill()

        board.on_octets(count)
        killer = threading.Thread(target=kill)
        killer.start()
        try:
            with pytest.MonkeyPatch.context() as patience:  # a board without power never answers
                patience.setattr(board_link, "ANSWER_S", 0.5)
                patience.setattr(board_link, "SLOW_S", 1.0)
                return self._install(board, progress)
        finally:
            now.set()
            killer.join()
            board.on_octets(None)

    def _install(self, board: Board, progress: Progress | None = None) -> str:
        try:
            Installation(
                board.port, self._new, SettingsWish(name=NEW_NAME), progress or SilentProgress()
            ).run()
        except InstallFailed as failed:
            return f"{failed.step}: {failed.board}"
        return ""

    @staticmethod
    def _who(board: Board) -> tuple[str, str]:
        port = SerialPort.open(board.port, lines_high=False)
        try:
            met = greeting.greet(port, lambda _: None)
        finally:
            port.close()
        version = met.firmware.split(",")[0].removeprefix("fieldgate ")
        return version, met.node.name if met.node else "?"
