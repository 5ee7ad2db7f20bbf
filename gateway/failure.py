"""How a command of `fieldgate` ends. docs/operator.md explains the exit codes."""

from __future__ import annotations

from enum import IntEnum
from typing import IO, Any

import click


class ExitCode(IntEnum):
    """What a script can tell from the end of a command."""

    OK = 0
    FAULT = 1  # something is wrong or was lost
    USAGE = 2  # the command line or the configuration is not valid
    NO_AGENT = 3  # no agent answered


class Failure(click.ClickException):
    """Ends the command with a sentence on standard error and what to do next."""

    exit_code = ExitCode.FAULT

    def __init__(self, message: str, *, next_step: str) -> None:
        super().__init__(message)
        self.next_step = next_step

    def show(self, file: IO[Any] | None = None) -> None:
        """Print each line of the message as an error, then the next step."""
        for line in self.message.splitlines():
            self._print(f"{click.style('error:', fg='red')} {line}", file)
        self._print(f"next step: {self.next_step}", file)

    def _print(self, line: str, file: IO[Any] | None) -> None:
        click.echo(line, file=file, err=file is None, color=self.show_color)


class InvalidInput(Failure):
    """The configuration cannot be used."""

    exit_code = ExitCode.USAGE


class NoAgent(Failure):
    """No agent answered."""

    exit_code = ExitCode.NO_AGENT
