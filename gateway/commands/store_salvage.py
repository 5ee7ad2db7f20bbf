"""`fieldgate store salvage`: what a damaged store still holds."""

from __future__ import annotations

import json
from pathlib import Path

import click

from gateway.commands.options import agents_config, gateway_of
from gateway.failure import InvalidInput


@click.command(name="salvage", short_help="Take over what a damaged store still holds.")
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@agents_config
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def salvage(*, folder: Path, config_path: Path | None, as_json: bool) -> None:
    """Put the records of the store in FOLDER that are missing here into this gateway's store.

    FOLDER is one of quarantine/, or a copy of another card's. The agent does this by itself with every
    store that it sets aside; here it must not run meanwhile. May be done again: nothing comes twice.

    Exit code 0; 1 when the store is not in order, 2 when FOLDER has none.
    """
    from gateway.commands.store_failure import store_failure  # noqa: PLC0415 - --help needs no store
    from gateway.store import StoreError  # noqa: PLC0415
    from gateway.store.resalvage import salvage as take_over  # noqa: PLC0415
    from gateway.store.store import STORE_NAME  # noqa: PLC0415

    directory = gateway_of(config_path).state_directory
    if folder.resolve() == directory.resolve():
        step = "sudo systemctl start fieldgate: the agent mends its own store by itself"
        raise InvalidInput(f"{folder}: it is the store that the records would go into", next_step=step)
    if not (folder / STORE_NAME).is_file():
        step = f"ls -l {folder}; the name has to be {STORE_NAME}"
        raise InvalidInput(f"{folder}: there is no {STORE_NAME} in it", next_step=step)
    try:
        result = take_over(directory, folder)
    except StoreError as error:
        raise store_failure(error, directory) from None
    if as_json:
        click.echo(json.dumps({"records": result.records, "lost": result.missing}, indent=2))
    else:
        click.echo(f"{folder}: {result.records} records taken over, {result.missing} named as lost")
