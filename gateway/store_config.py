"""[store] of the configuration."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.config_values import integer
from gateway.toml_table import setting


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreConfig:
    """[store]"""

    group_commit_ms: int = setting(integer(1, 250), 20)
