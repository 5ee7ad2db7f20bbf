"""`fieldgate store ...`: what can be done with the store on this host's disk."""

from __future__ import annotations

import click


@click.group()
def store() -> None:
    """Look into the store, and mend it."""
