"""`fieldgate store check`: is the store as it was written?"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import click

from gateway.commands.options import agents_config, gateway_of
from gateway.commands.progress import bar
from gateway.failure import ExitCode

NEXT_STEP = (
    "the agent mends what it meets, and names what is lost: is it running? fieldgate status; "
    "look after the disk: dmesg"
)


@click.command(name="check", short_help="Read all of it, and say what is not as it was written.")
@agents_config
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
@click.pass_context
def check(ctx: click.Context, *, config_path: Path | None, as_json: bool) -> None:
    """Look at the structure, at the check of every row, and whether every stream is complete.

    It changes nothing and does not disturb the running agent, beside which the store's WAL grows
    meanwhile. Exit code 0 when all is well, 1 when something is wrong.
    """
    from gateway.commands.store_failure import store_failure  # noqa: PLC0415 - --help needs no store
    from gateway.store import StoreError  # noqa: PLC0415
    from gateway.store.checking import check as look  # noqa: PLC0415
    from gateway.store.store import STORE_NAME  # noqa: PLC0415

    directory = gateway_of(config_path).state_directory
    try:
        with bar("check", silent=as_json) as progress:
            found = look(directory / STORE_NAME, progress.begin, progress.advance)
    except StoreError as error:
        raise store_failure(error, directory) from None
    if as_json:
        click.echo(json.dumps(dataclasses.asdict(found), indent=2))
    else:
        salvaging = "; records of a damaged store are still being taken over" if found.salvaging else ""
        click.echo(f"{found.records} records, {len(found.findings)} findings{salvaging}")
        for each in found.findings:
            click.echo(f"error: {each.kind}: {each.detail}", err=True)
        if found.findings:
            click.echo(f"next step: {NEXT_STEP}", err=True)
    ctx.exit(ExitCode.FAULT if found.findings else ExitCode.OK)
