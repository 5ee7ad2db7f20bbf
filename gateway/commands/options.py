"""What several subcommands take and how they read it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from gateway import config
from gateway.failure import InvalidInput

if TYPE_CHECKING:
    from gateway.config import Config

DEFAULT_CONFIG = Path("/etc/fieldgate/fieldgate.toml")


def load_config(path: Path) -> Config:
    """The configuration; ends the command with every mistake in it, one sentence each."""
    try:
        return config.load(path)
    except config.UnreadableConfig as unreadable:
        reader = "use sudo, or be in the group of the file (dialout), or is it no file?"
        next_step = f"ls -l {path.parent}" if unreadable.missing else f"{reader} ls -l {path}"
        raise InvalidInput(str(unreadable), next_step=next_step) from None
    except config.InvalidConfig as invalid:
        next_step = f"correct the file, then: fieldgate config check {path}"
        raise InvalidInput(str(invalid), next_step=next_step) from None
