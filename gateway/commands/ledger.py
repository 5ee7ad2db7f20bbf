"""`fieldgate ledger`: what became of every record that was acknowledged to a node."""

from __future__ import annotations

import json
from pathlib import Path

import click

from gateway.commands.options import agents_config, gateway_of
from gateway.commands.parameters import Day, NodeUid
from gateway.failure import ExitCode, InvalidInput

NEXT_STEP = "is salvage under way? fieldgate status; if it stays so: sudo fieldgate store check"


@click.command(short_help="Prove that no record was lost unnamed.")
@click.option("--node", type=NodeUid(), help="Of this node only.")
@click.option("--day", type=Day(), help="Of what was stored on this day of UTC only; or 'unknown'.")
@agents_config
@click.option("--json", "as_json", is_flag=True, help="Print the account as JSON, with every range.")
@click.pass_context
def ledger(
    ctx: click.Context, *, node: bytes | None, day: int | None, config_path: Path | None, as_json: bool
) -> None:
    """Prove that every record taken from a node is stored, delivered, or in a named gap.

    It reads the store beside the running agent, or without one. Exit code 0 when everything is
    accounted for, 1 when not, 2 when nothing was ever stored of the node.
    """
    from gateway.commands.store_failure import store_failure  # noqa: PLC0415 - --help needs no store
    from gateway.ledger_text import document, report  # noqa: PLC0415
    from gateway.store import StoreError  # noqa: PLC0415
    from gateway.store.account import account  # noqa: PLC0415
    from gateway.store.store import STORE_NAME  # noqa: PLC0415
    from gateway.text_table import terminal_width  # noqa: PLC0415

    directory = gateway_of(config_path).state_directory
    path = directory / STORE_NAME
    try:
        found = account(path, node=node, day=day)
    except StoreError as error:
        raise store_failure(error, directory) from None
    if node is not None and day is None and not found.streams:
        step = "fieldgate status names the nodes"
        raise InvalidInput(f"{path}: no record of node {node.hex()} was ever stored", next_step=step)
    if as_json:
        click.echo(json.dumps(document(found, node=node, day=day), indent=2))
    else:
        click.echo("\n".join(report(found, terminal_width())).lstrip("\n"))
        if not found.holds:
            click.echo(f"next step: {NEXT_STEP}", err=True)
    ctx.exit(ExitCode.OK if found.holds else ExitCode.FAULT)
