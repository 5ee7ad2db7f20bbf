"""Aligned text for a terminal, with nothing in it that moves a cursor."""

from __future__ import annotations

import shutil
import sys
import textwrap
from typing import TYPE_CHECKING

import click

from gateway.counters import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

CELL_LIMIT = 60  # characters of one cell: peers choose some of them
DETAIL_LIMIT = 200  # of the last one in a row, which nothing stands behind
_TAIL = 40  # characters kept of a longer cell's end: ports of one hub differ there only
_NARROWEST = 30  # of a last column that is wrapped
_TOGETHER = 40  # characters of a column's name and its cell that stay on one line
_MARGIN = "  "
_GAP = "  "
_NO_BREAK = "\u00a0"  # in place of a blank at which no line may end


def terminal_width() -> int | None:
    """Columns of the terminal that standard output is; None for a pipe or a file, whose lines have no end."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def section(
    title: str, rows: Iterable[Sequence[str]], colour: str | None = None, width: int | None = None
) -> Iterator[str]:
    """A heading and aligned rows, the first of which names the columns; nothing without a second.

    Where `width` is too small for that the last column is wrapped, or each row becomes a paragraph.
    """
    cells = [[*(_middle_cut(cell) for cell in row[:-1]), shown(row[-1], DETAIL_LIMIT)] for row in rows]
    if len(cells) < 2:  # noqa: PLR2004 - only the columns' names
        return
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    yield ""
    yield click.style(title.upper(), fg=colour, bold=True)
    before = len(_MARGIN) + sum(widths[:-1]) + len(_GAP) * (len(widths) - 1)
    if width is None or before + widths[-1] <= width:
        yield from _aligned(cells, widths, widths[-1])
    elif before + _NARROWEST <= width:
        yield from _aligned(cells, widths, width - before)
    else:
        yield from _paragraphs(cells, width)


def _aligned(cells: list[list[str]], widths: list[int], last: int) -> Iterator[str]:
    for *row, end in cells:
        front = _MARGIN + "".join(
            cell.ljust(width) + _GAP for cell, width in zip(row, widths[:-1], strict=True)
        )
        first, *more = wrapped(end, last) or [""]
        yield (front + first).rstrip()
        for line in more:
            yield " " * len(front) + line


def _paragraphs(cells: list[list[str]], width: int) -> Iterator[str]:
    """Each row with the columns' names in it, and without what is not known."""
    names, *rows = cells
    for row in rows:
        pairs = []
        for name, cell in zip(names, row, strict=True):
            if cell not in {"", "-"}:
                pair = f"{name} {cell}"
                pairs.append(pair.replace(" ", _NO_BREAK) if len(pair) <= _TOGETHER else pair)
        first, *more = wrapped(_GAP.join(pairs), width - 3 * len(_MARGIN))
        yield _MARGIN + first
        for line in more:
            yield 3 * _MARGIN + line


def wrapped(text: str, width: int) -> list[str]:
    """Text in lines; a word that is longer, such as a path, stays whole."""
    lines = textwrap.wrap(text, max(width, _NARROWEST), break_long_words=False, break_on_hyphens=False)
    return [line.replace(_NO_BREAK, " ") for line in lines]


def shown(text: str, limit: int = CELL_LIMIT) -> str:
    """Text of a peer, cut and made harmless."""
    return printable(text.encode("utf-8", "backslashreplace"), limit)


def _middle_cut(text: str) -> str:
    if len(text) <= CELL_LIMIT:
        return shown(text)
    tail = shown(text[-_TAIL:], _TAIL)
    return shown(text, CELL_LIMIT - len(tail)) + tail
