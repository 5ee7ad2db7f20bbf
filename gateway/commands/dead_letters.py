"""`fieldgate dead-letters ...`: records that a broker refuses for good."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from gateway.commands.options import agents_config, gateway_of
from gateway.commands.running_agent import reaching
from gateway.control import CONTROL_NAME, Refused, call
from gateway.failure import Failure
from gateway.text_table import section, shown, terminal_width

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_IDS = click.argument("ids", nargs=-1, type=click.IntRange(min=1), metavar="ID...")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print the agent's answer as it is.")


@click.group(name="dead-letters", short_help="See, replay, discard what a broker refuses for good.")
def dead_letters() -> None:
    """Records that a broker refuses for good: see, replay, discard.

    The running agent does it. Exit code 3 when none answers, 1 when it will not.
    """


@dead_letters.command(name="list")
@_JSON
@agents_config
def list_(*, as_json: bool, config_path: Path | None) -> None:
    """Say which there are, the oldest first, and why."""
    letters = _call(config_path, "dead_letters.list")
    if as_json:
        click.echo(json.dumps(letters))
    elif not letters:
        click.echo("no dead letters")
    else:
        click.echo("\n".join(section("dead letters", _rows(letters), width=terminal_width())).lstrip())


@dead_letters.command()
@click.argument("id_", type=click.IntRange(min=1), metavar="ID")
@_JSON
@agents_config
def show(*, id_: int, as_json: bool, config_path: Path | None) -> None:
    """Say all about one, its message in hex included."""
    letter = _call(config_path, "dead_letters.show", id=id_)
    if as_json:
        click.echo(json.dumps(letter))
        return
    for name, value in letter.items():
        click.echo(f"{name:<12} {'-' if value is None else shown(str(value), 4096)}")


@dead_letters.command()
@_IDS
@click.option("--all", "every", is_flag=True, help="All that there are.")
@agents_config
def replay(*, ids: tuple[int, ...], every: bool, config_path: Path | None) -> None:
    """Send some again. One that is refused again stays, with the new reason."""
    if bool(ids) == every:
        raise click.UsageError("name the letters by their ID, or give --all")
    answer = _call(config_path, "dead_letters.replay", ids=list(ids), all=every)
    click.echo(f"{answer['count']} to be sent again; fieldgate dead-letters list shows which stay")


@dead_letters.command()
@_IDS
@agents_config
def discard(*, ids: tuple[int, ...], config_path: Path | None) -> None:
    """Give some up for ever. They are not delivered, and named as lost in a gap."""
    if not ids:
        raise click.UsageError("name the letters by their ID")
    answer = _call(config_path, "dead_letters.discard", ids=list(ids))
    click.echo(f"{answer['count']} discarded, and named as lost: fieldgate ledger")


def _rows(letters: list[dict[str, Any]]) -> Iterator[tuple[str, ...]]:
    yield ("id", "sink", "node", "boot", "stream", "seq", "octets", "refused at", "reason")
    for letter in letters:
        yield (
            str(letter["id"]),
            letter["sink"],
            letter["node"],
            str(letter["boot"] >> 16),  # the count, as everywhere that people look
            str(letter["stream"]),
            str(letter["seq"]),
            str(letter["octets"]),
            letter["refused_at"] or "-",
            f"{letter['reason']} ({letter['reason_code']:#04x})",
        )


def _call(config_path: Path | None, operation: str, **arguments: object) -> Any:  # noqa: ANN401 - JSON
    path = gateway_of(config_path).state_directory / CONTROL_NAME
    try:
        with reaching(path):
            return call(path, operation, **arguments)
    except Refused as refused:
        raise Failure(str(refused), next_step="fieldgate dead-letters list") from None
