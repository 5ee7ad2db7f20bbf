"""`fieldgate store ...`: what can be done with the store on this host's disk."""

from __future__ import annotations

import click

from gateway.commands.store_check import check
from gateway.commands.store_export import export
from gateway.commands.store_import import import_
from gateway.commands.store_salvage import salvage


@click.group()
def store() -> None:
    """Look into the store, mend it, carry its records away."""


store.add_command(check)
store.add_command(salvage)
store.add_command(export)
store.add_command(import_)
