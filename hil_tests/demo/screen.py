"""Shows snapshots: as a table that is drawn over and over, or as one plain line now and then."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from rich import box
from rich.console import Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from hil_tests.demo.snapshot import Phase, Snapshot

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from rich.console import Console, RenderableType

    from hil_tests.demo.snapshot import Row

LINE_EVERY_S = 3.0  # where nobody watches a terminal
_FRAME_LINES = 9  # title, heading, counts and the lines between them
_NARROW = 72  # columns; with less, the time of a reading goes, for its age stands there too
_LINK_STYLES = {"open": "green", "asleep": "green", "silent": "red", "lost": "red"}


class Screen(Protocol):
    """Where snapshots go."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> None: ...

    def show(self, snapshot: Snapshot) -> None:
        """Show this one in place of the one before."""
        ...


class LiveScreen:
    """A table on a terminal, as many rows as fit."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, auto_refresh=False, transient=False, vertical_overflow="crop")

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def show(self, snapshot: Snapshot) -> None:
        """Draw the table."""
        self._live.update(table(snapshot, self._console.height, self._console.width), refresh=True)


class PlainScreen:
    """A line every few seconds, and at once when something else goes on."""

    def __init__(self, console: Console, every_s: float = LINE_EVERY_S) -> None:
        self._console = console
        self._every_s = every_s
        self._due_s = 0.0
        self._phase: Phase | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def show(self, snapshot: Snapshot) -> None:
        """Print a line if one is due."""
        now_s = time.monotonic()
        if now_s >= self._due_s or snapshot.phase is not self._phase:
            self._due_s = now_s + self._every_s
            self._phase = snapshot.phase
            self._console.print(
                plain_line(snapshot), soft_wrap=True, markup=False, highlight=False, emoji=False
            )


def table(snapshot: Snapshot, height: int, width: int) -> RenderableType:
    """The snapshot, at most `height` lines of it, on so many columns."""
    narrow = width < _NARROW
    padding = (0, 0 if narrow else 1, 0, 0)
    grid = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=padding, show_edge=False)
    grid.add_column("node", no_wrap=True)
    grid.add_column("channel", no_wrap=True)
    grid.add_column("value", justify="right", no_wrap=True)
    if not narrow:
        grid.add_column("UTC", no_wrap=True)
    grid.add_column("age", justify="right", no_wrap=True)
    grid.add_column("link", no_wrap=True)
    room = max(1, height - _FRAME_LINES - len(snapshot.remarks))
    shown = snapshot.rows[:room]
    before = ""
    for row in shown:
        grid.add_row(*_cells(row, repeated=row.node == before, narrow=narrow))
        before = row.node
    parts: list[RenderableType] = [Text(_title(snapshot), style="bold"), grid]
    if hidden := len(snapshot.rows) - len(shown):
        parts.append(Text(f"... {hidden} more rows than this terminal has", style="dim"))
    parts.append(Text(counts(snapshot)))
    parts.extend(Text(remark, style="yellow") for remark in snapshot.remarks)
    return Group(*parts)


def _title(snapshot: Snapshot) -> str:
    now = datetime.fromtimestamp(snapshot.now_s, UTC)
    return f"fieldgate demo  {now:%Y-%m-%d %H:%M:%S} UTC  {snapshot.phase}{_end_text(snapshot)}"


def _end_text(snapshot: Snapshot) -> str:
    if snapshot.phase is not Phase.RUNNING:
        return ""
    return ", Ctrl-C ends it" if snapshot.left_s is None else f", {snapshot.left_s:.0f} s left"


def _cells(row: Row, *, repeated: bool, narrow: bool) -> list[Text]:
    cells = [
        Text("" if repeated else row.node, style="bold"),
        Text(row.channel),
        Text(row.value, style="red" if row.faulty else "cyan"),
        Text("-" if row.utc_s is None else clock_text(row.utc_s)),
        Text("-" if row.age_s is None else f"{row.age_s:.1f} s"),
        Text("" if repeated else row.link, style=_LINK_STYLES.get(row.link, "yellow")),
    ]
    if narrow:
        del cells[3]
    return cells


def clock_text(utc_s: float) -> str:
    """The time of day to the millisecond."""
    return f"{datetime.fromtimestamp(utc_s, UTC):%H:%M:%S.%f}"[:-3]


def counts(snapshot: Snapshot) -> str:
    """What was done so far."""
    return (
        f"blocks: {snapshot.stored} stored, {snapshot.delivered} delivered, "
        f"{snapshot.waiting} waiting, {snapshot.received} received"
    )


def plain_line(snapshot: Snapshot) -> str:
    """The snapshot in one line."""
    now = datetime.fromtimestamp(snapshot.now_s, UTC)
    nodes = {row.node: row.link for row in snapshot.rows}
    linked = f"{sum(link == 'open' for link in nodes.values())} of {len(nodes)} nodes linked; "
    remarks = "".join(f"; {remark}" for remark in snapshot.remarks)
    return (
        f"{now:%Y-%m-%dT%H:%M:%SZ} {snapshot.phase}: "
        f"{linked if snapshot.phase is Phase.RUNNING else ''}{counts(snapshot)}{remarks}"
    )


def screen_on(console: Console) -> Screen:
    """The live table where there is a terminal that can move its cursor, plain lines elsewhere."""
    return (
        LiveScreen(console) if console.is_terminal and not console.is_dumb_terminal else PlainScreen(console)
    )
