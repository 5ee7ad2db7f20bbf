"""[[wifi]] of the configuration."""
# ruff: noqa: RUF009 - setting() gives a dataclasses.field()

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.config_values import broker_url, integer, path_text
from gateway.sink_config import WORDS, BrokerAddress
from gateway.toml_table import setting

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class WifiConfig:
    """[[wifi]]: the broker through which nodes without a cable speak. `parse` fills an empty client_id."""

    url: str = setting(broker_url)
    user: str | None = setting(WORDS, None)
    password_file: Path | None = setting(path_text, None)
    ca_file: Path | None = setting(path_text, None)
    client_id: str = setting(WORDS, "")
    keepalive_s: int = setting(integer(5, 300), 15)
    window: int = setting(integer(1_024, 65_536), 8_192)

    @property
    def brokers(self) -> tuple[BrokerAddress, ...]:
        """Where it connects to."""
        return (BrokerAddress(self.url),)
