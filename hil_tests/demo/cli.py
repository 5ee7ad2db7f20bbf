"""`fieldgate demo`: look at the whole chain without any hardware."""

from __future__ import annotations

import asyncio
import math
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.config_values import broker_url
from gateway.failure import ExitCode, Failure

if TYPE_CHECKING:
    from hil_tests.demo.ledger import Ledger

NODES_LIMIT = 50  # of emulated boards on one machine; more fall behind


def _checked_url(_ctx: click.Context, _option: click.Parameter, value: str | None) -> str | None:
    if value is None:
        return None
    try:
        checked = broker_url(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
    if not checked.startswith("mqtt://"):
        raise click.BadParameter("the demo speaks without TLS: mqtt://HOST[:PORT]")
    return checked


def _finite(_ctx: click.Context, _option: click.Parameter, value: float | None) -> float | None:
    if value is not None and not math.isfinite(value):
        raise click.BadParameter(f"{value} is no time; without the option Ctrl-C ends it")
    return value


def _made(_ctx: click.Context, _option: click.Parameter, value: Path | None) -> Path | None:
    try:
        if value is not None:
            value.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise click.BadParameter(f"{value}: {error.strerror}") from None
    return value


@click.command(short_help="The whole chain on this machine, without hardware.")
@click.option(
    "--nodes",
    type=click.IntRange(1, NODES_LIMIT),
    default=3,
    show_default=True,
    help="How many boards to emulate.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(min=0, min_open=True),
    callback=_finite,
    help="End after so long.  [default: Ctrl-C ends it]",
)
@click.option(
    "--broker",
    metavar="URL",
    callback=_checked_url,
    help="A broker that is there, mqtt://HOST[:PORT].  [default: one of its own]",
)
@click.option("--json", "as_json", is_flag=True, help="Print the ledger as one line of JSON.")
@click.option(
    "--capture",
    type=click.Path(path_type=Path, file_okay=False),
    callback=_made,
    help="Keep the raw octets of every line in this directory.",
)
@click.option("--picture", type=click.Path(path_type=Path, dir_okay=False), hidden=True)
@click.pass_context
def demo(
    ctx: click.Context,
    nodes: int,
    seconds: float | None,
    broker: str | None,
    *,
    as_json: bool,
    capture: Path | None,
    picture: Path | None,
) -> None:
    """Run emulated nodes, a gateway and a broker on this machine, and show the readings live.

    The boards run the real firmware on the real MicroPython; chips and lines are emulated. It ends
    with Ctrl-C or after --seconds, with a ledger of every block. Exit code 1 when one was lost.
    """
    # Here, for `fieldgate --help` needs none of it.
    from hil_tests.demo.options import Options  # noqa: PLC0415
    from hil_tests.demo.run import CannotRun, run  # noqa: PLC0415

    options = Options(
        nodes=nodes, seconds=seconds, broker=broker, capture=capture, quiet=as_json, picture=picture
    )
    try:
        ledger = asyncio.run(run(options))
    except CannotRun as error:
        raise Failure(str(error), next_step=error.next_step) from None
    _print(ledger, as_json=as_json)
    ctx.exit(ExitCode.OK if ledger.kept else ExitCode.FAULT)


def _print(ledger: Ledger, *, as_json: bool) -> None:
    if as_json:
        click.echo(ledger.to_json())
        return
    click.echo()
    for line in ledger.lines():
        click.echo(line)
