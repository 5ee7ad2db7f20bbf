"""How `fieldgate node` ends. The exit codes are those of every subcommand (docs/operator.md)."""

from __future__ import annotations

from enum import IntEnum
from typing import IO, Any

import click


class ExitCode(IntEnum):
    """What a script can tell from the end of a command."""

    OK = 0
    FAULT = 1
    USAGE = 2


class NodeFailure(click.ClickException):
    """Ends the command with what happened, in which step, and what to do next."""

    exit_code = ExitCode.FAULT

    def __init__(self, message: str, *, step: str, next_step: str, board: str = "") -> None:
        super().__init__(message)
        self.step = step
        self.next_step = next_step
        self.board = board  # what is on the board now

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the error, the state of the board if it was touched, and the next step."""
        lead = click.style("error:", fg="red")
        where = f" (while: {self.step})" if self.step else ""
        first, *more = self.message.splitlines() or [""]
        lines = [f"{lead} {first}{where}", *(f"{lead} {line}" for line in more)]
        if self.board:
            lines.append(f"the board: {self.board}")
        lines.append(f"next step: {self.next_step}")
        for line in lines:
            click.echo(line, file=file, err=file is None, color=self.show_color)


class InvalidOptions(NodeFailure):
    """The command line or a file that it names cannot be used."""

    exit_code = ExitCode.USAGE
