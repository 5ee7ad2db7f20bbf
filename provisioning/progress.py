"""How an installation's progress is shown: a bar on a terminal, lines elsewhere, nothing for programs."""

from __future__ import annotations

import sys
import time
from typing import TextIO

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from provisioning.step import Progress, Step

REDRAW_S = 0.1


def shown_on(stream: TextIO | None = None, *, silent: bool = False) -> Progress:
    """The way that suits `stream`, standard error unless given."""
    stream = stream or sys.stderr
    if silent:
        return SilentProgress()
    return BarProgress(stream) if stream.isatty() else LineProgress(stream)


class SilentProgress:
    """Shows nothing."""

    def begin(self, step: Step, octets: int = 0) -> None:
        """Nothing."""

    def move(self, octets: int) -> None:
        """Nothing."""

    def note(self, text: str) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


class LineProgress(SilentProgress):
    """One line for each step and note."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def begin(self, step: Step, octets: int = 0) -> None:
        """A line with the step and its size."""
        size = f" ({octets} octets)" if octets else ""
        click.echo(f"{step}{size}", file=self._stream)

    def note(self, text: str) -> None:
        """A line that belongs to the step above it."""
        click.echo(f"  {text}", file=self._stream)


class BarProgress(LineProgress):
    """As lines, and a bar below them while octets move."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        columns = (TextColumn("  {task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
        # Refreshed as octets move: a refreshing thread would outlive the bar.
        self._bar = Bar(*columns, console=Console(file=stream), transient=True, auto_refresh=False)
        self._task = self._bar.add_task("", visible=False)
        self._drawn_s = 0.0

    def begin(self, step: Step, octets: int = 0) -> None:
        """A line; a bar if octets are to be moved."""
        self._bar.stop()
        super().begin(step, octets)
        if octets:
            self._bar.reset(self._task, total=octets, description=step.value, visible=True)
            self._bar.start()

    def move(self, octets: int) -> None:
        """Move the bar."""
        self._bar.advance(self._task, octets)
        now_s = time.monotonic()
        if now_s - self._drawn_s >= REDRAW_S or self._bar.finished:
            self._drawn_s = now_s
            self._bar.refresh()

    def close(self) -> None:
        """Take the bar away."""
        self._bar.stop()
