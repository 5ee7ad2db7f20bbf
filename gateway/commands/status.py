"""`fieldgate status`: ask the running agent how it is."""

from __future__ import annotations

from pathlib import Path

import click

from gateway.commands.options import agents_config, gateway_of
from gateway.failure import ExitCode, NoAgent
from gateway.status import SOCKET_NAME, Status, StatusError, ask
from gateway.status_text import report


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
        for line in report(answer):
            click.echo(line)
    ctx.exit(ExitCode.FAULT if answer.faults else ExitCode.OK)


def _ask(path: Path) -> Status:
    try:
        return ask(path)
    except (FileNotFoundError, ConnectionRefusedError):
        raise NoAgent(
            f"no agent runs: nothing listens at {path}",
            next_step="systemctl start fieldgate; if it does not stay: journalctl -u fieldgate -e",
        ) from None
    except PermissionError:
        raise NoAgent(
            f"{path}: permission denied",
            next_step="run it with sudo, or as a user of the service's group (dialout)",
        ) from None
    except (OSError, StatusError) as error:
        raise NoAgent(
            f"the agent at {path} did not answer: {error}",
            next_step="journalctl -u fieldgate -e",
        ) from None
