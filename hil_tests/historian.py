"""The consumer of docs/integrator.md that confirms, as a process, with a database that can be set back."""

from __future__ import annotations

import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Self

from hil_tests.broker import HOST
from hil_tests.demo.identity import Identity, Stream

PAGE = Path(__file__).parents[1] / "docs" / "integrator.md"
NAME = "historian"  # under which it confirms


class Historian:
    """In `directory`, at the broker on `port`, for one gateway. A context manager: ends it."""

    def __init__(self, directory: Path, port: int, gateway: str) -> None:
        self._directory = directory
        self._arguments = (HOST, str(port), gateway)
        self._process: subprocess.Popen[bytes] | None = None
        directory.mkdir()
        programs = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
        [program] = [each for each in programs if "sqlite3" in each]
        (directory / "historian.py").write_text(program, encoding="utf-8")

    def start(self) -> None:
        """Begin, or go on with the database that is there."""
        with (self._directory / "historian.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "historian.py", *self._arguments, "history.db"],
                cwd=self._directory,
                stdout=log,
                stderr=log,
            )

    def kill(self) -> None:
        """SIGKILL."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()

    def back_up(self) -> Path:
        """A copy of the database as it is now. The process does not run."""
        copy = self._directory / "backup"
        shutil.rmtree(copy, ignore_errors=True)
        copy.mkdir()
        for path in self._directory.glob("history.db*"):
            shutil.copy(path, copy)
        return copy

    def restore(self, copy: Path) -> None:
        """Put a copy in the database's place. The process does not run."""
        for path in self._directory.glob("history.db*"):
            path.unlink()
        for path in copy.iterdir():
            shutil.copy(path, self._directory)

    def records(self) -> set[Identity]:
        """What is in the database."""
        rows = self._rows("SELECT node, boot, stream, seq FROM record")
        return {Stream(node, boot, stream).record(seq) for node, boot, stream, seq in rows}

    def gaps(self) -> int:
        """How many gaps are in the database."""
        return len(self._rows("SELECT * FROM gap"))

    def log(self) -> str:
        """What it said: nothing, unless it is wrong."""
        return (self._directory / "historian.log").read_text(encoding="utf-8")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def _rows(self, question: str) -> list[tuple[str, int, int, int]]:
        path = self._directory / "history.db"
        if not path.exists():
            return []
        with closing(sqlite3.connect(path, timeout=5)) as connection:
            try:
                return connection.execute(question).fetchall()
            except sqlite3.OperationalError:  # it has just begun
                return []
