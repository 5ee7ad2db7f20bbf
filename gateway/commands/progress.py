"""How far a long command is: a bar on a terminal, nothing elsewhere."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class Bar:
    """Told how much there is to do and how much of it was done. This one shows nothing."""

    def begin(self, total: int) -> None:
        """So much there is."""

    def advance(self, done: int) -> None:
        """So much more of it is done."""


@contextmanager
def bar(title: str, *, silent: bool = False) -> Iterator[Bar]:
    """A bar on standard error as long as the block lasts, where that is a terminal."""
    if silent or not sys.stderr.isatty():
        yield Bar()
        return
    from rich.console import Console  # noqa: PLC0415 - slow to import, and not needed elsewhere
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(title, total=None)

        class Shown(Bar):
            def begin(self, total: int) -> None:
                progress.update(task, total=total)

            def advance(self, done: int) -> None:
                progress.advance(task, done)

        yield Shown()
