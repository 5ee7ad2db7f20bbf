"""`fieldgate`: one command, whose subcommands are entry points of the group `fieldgate.commands`."""

from __future__ import annotations

import os
import sys
from importlib import metadata
from typing import TYPE_CHECKING, Any

import click

from gateway.failure import ExitCode, Failure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

DISTRIBUTION = "fieldgate"
ENTRY_POINTS = "fieldgate.commands"
REINSTALL = "install fieldgate again (docs/install.md), then try once more"


class BrokenCommand(click.Command):
    """Stands for a subcommand that cannot be loaded, and says why."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(
            name,
            short_help=f"(not available: {reason})",
            params=[click.Argument(["rest"], nargs=-1, type=click.UNPROCESSED)],
            context_settings={"ignore_unknown_options": True},
            add_help_option=False,
        )
        self.reason = reason

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401, ARG002 - as click has it
        """Fail with the reason."""
        raise Failure(f"'{self.name}' is not available: {self.reason}", next_step=REINSTALL)


class CommandGroup(click.Group):
    """Loads a subcommand when it is asked for, so that a broken one does not break the others."""

    def __init__(self, entry_points: Callable[[], Iterable[metadata.EntryPoint]], **attributes: Any) -> None:  # noqa: ANN401
        super().__init__(**attributes)
        self._entry_points = entry_points

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in alphabetical order."""
        del ctx
        return sorted({entry.name for entry in self._entry_points()})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The subcommand, or a BrokenCommand; None when there is none of this name."""
        del ctx
        for entry in self._entry_points():
            if entry.name == cmd_name:
                return _loaded(entry)
        return None


def _loaded(entry: metadata.EntryPoint) -> click.Command:
    try:
        command = entry.load()
    except Exception as error:  # noqa: BLE001 - whatever is wrong with it, the others work
        return BrokenCommand(entry.name, f"{type(error).__name__}: {error}")
    if isinstance(command, click.Command):
        return command
    return BrokenCommand(entry.name, f"{entry.value} is not a command")


def installed() -> list[metadata.EntryPoint]:
    """The subcommands that this installation declares."""
    return list(metadata.entry_points(group=ENTRY_POINTS))


def version() -> str:
    """The installed version."""
    try:
        return metadata.version(DISTRIBUTION)
    except metadata.PackageNotFoundError:
        return "unknown (not installed)"


fieldgate = CommandGroup(
    installed,
    name="fieldgate",
    help="Carry sensor readings from nodes to MQTT brokers, and lose nothing on the way.",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
fieldgate = click.version_option(version(), prog_name="fieldgate")(fieldgate)


def main() -> None:
    """The program `fieldgate`."""
    try:
        # Colour: None lets click look for a terminal. https://no-color.org: any value but "" says no.
        fieldgate.main(prog_name="fieldgate", color=False if os.environ.get("NO_COLOR") else None)
    except BrokenPipeError:  # the reader, like head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(ExitCode.FAULT)


if __name__ == "__main__":
    main()
