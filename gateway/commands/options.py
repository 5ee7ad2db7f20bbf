"""What several subcommands take and how they read it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway import config
from gateway.config import GatewayConfig, InvalidConfig
from gateway.failure import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable

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


def agents_config(function: Callable[..., None]) -> Callable[..., None]:
    """The option --config of a command that works on the agent's state directory, as `config_path`."""
    return click.option(
        "--config",
        "config_path",
        type=click.Path(path_type=Path, readable=False),
        help=f"The agent's configuration, which names its state directory.  [default: {DEFAULT_CONFIG}]",
    )(function)


def config_of(config_path: Path | None) -> Config:
    """The agent's configuration; the defaults where nobody asked for one and there is none that is valid."""
    if config_path is not None:
        return load_config(config_path)
    try:
        return config.load(DEFAULT_CONFIG)
    except InvalidConfig:
        return config.Config()


def gateway_of(config_path: Path | None) -> GatewayConfig:
    """Whose state directory is meant."""
    return config_of(config_path).gateway
