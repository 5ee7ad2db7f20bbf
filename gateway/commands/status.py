"""`fieldgate status`: ask the running agent how it is."""

from __future__ import annotations

from pathlib import Path

import click

from gateway.commands.options import agents_config, gateway_of
from gateway.commands.running_agent import no_answer, reaching
from gateway.failure import ExitCode
from gateway.status import SOCKET_NAME, Status, StatusError, ask
from gateway.status_text import report
from gateway.text_table import terminal_width


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the agent's answer as it is.")
@click.option(
    "--socket",
    "socket_path",
    type=click.Path(path_type=Path),
    help=f"The agent's socket, in place of {SOCKET_NAME} in the state directory of the configuration.",
)
@agents_config
@click.pass_context
def status(ctx: click.Context, *, as_json: bool, socket_path: Path | None, config_path: Path | None) -> None:
    """Say how the running agent is, its faults first.

    Exit code 0 when there is no fault, 1 when there is one, 3 when no agent answers.
    """
    answer = _ask(socket_path or gateway_of(config_path).state_directory / SOCKET_NAME)
    if as_json:
        click.echo(answer.to_json())
    else:
        for line in report(answer, terminal_width()):
            click.echo(line)
    ctx.exit(ExitCode.FAULT if answer.faults else ExitCode.OK)


def _ask(path: Path) -> Status:
    try:
        with reaching(path):
            return ask(path)
    except StatusError as error:
        raise no_answer(path, error) from None
