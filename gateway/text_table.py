"""Aligned text for a terminal, with nothing in it that moves a cursor."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gateway.counters import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

CELL_LIMIT = 60  # characters of one cell: peers choose some of them
DETAIL_LIMIT = 200  # of the last one in a row, which nothing stands behind
_TAIL = 40  # characters kept of a longer cell's end: ports of one hub differ there only


def section(title: str, rows: Iterable[Sequence[str]], colour: str | None = None) -> Iterator[str]:
    """A heading and aligned rows, the first of which names the columns; nothing without a second."""
    cells = [[*(_middle_cut(cell) for cell in row[:-1]), shown(row[-1], DETAIL_LIMIT)] for row in rows]
    if len(cells) < 2:  # noqa: PLR2004 - only the columns' names
        return
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    yield ""
    yield click.style(title.upper(), fg=colour, bold=True)
    for row in cells:
        yield "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def shown(text: str, limit: int = CELL_LIMIT) -> str:
    """Text of a peer, cut and made harmless."""
    return printable(text.encode("utf-8", "backslashreplace"), limit)


def _middle_cut(text: str) -> str:
    if len(text) <= CELL_LIMIT:
        return shown(text)
    tail = shown(text[-_TAIL:], _TAIL)
    return shown(text, CELL_LIMIT - len(tail)) + tail
