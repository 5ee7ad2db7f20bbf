"""Boards for tests: made with `new_board`, switched off at the end."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from hil_tests.board import Board

NewBoard = Callable[..., Board]


@pytest.fixture
def new_board(tmp_path: Path) -> Iterator[NewBoard]:
    """`new_board(main="source", files={...}, **of_Board)` gives a board that is running."""
    with ExitStack() as boards:
        made = 0

        def make(main: str = "", files: dict[str, bytes] | None = None, **of_board: Any) -> Board:
            nonlocal made
            made += 1
            board = Board(tmp_path / f"board-{made}", **of_board)
            installed = dict(files or {})
            if main:
                installed["/main.py"] = main.encode()
            if installed:
                board.install(installed)
            boards.callback(board.close)
            board.start()
            return board

        yield make
