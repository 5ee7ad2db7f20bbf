"""[store] of the configuration."""
# ruff: noqa: RUF009 - setting() gives a dataclasses.field()

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from gateway.config_values import choice, choices, integer
from gateway.mounts import CONCERNS
from gateway.toml_table import setting

WhenFull = Literal["drop_oldest", "drop_newest", "thin"]
_when_full = choice("drop_oldest", "drop_newest", "thin")


@dataclass(frozen=True, slots=True, kw_only=True)
class FullConfig:
    """[store.full]: what goes when there is no more room, by stream."""

    events: WhenFull = setting(_when_full, "drop_oldest")
    readings: WhenFull = setting(_when_full, "drop_oldest")
    bulk: WhenFull = setting(_when_full, "drop_oldest")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreConfig:
    """[store]. `max_mib` limits file and WAL, `free_floor_mib` is left to others on the disk."""

    group_commit_ms: int = setting(integer(1, 250), 20)
    max_mib: int = setting(integer(16, 1 << 20), 4096)  # a quarter of the smallest usual card
    free_floor_mib: int = setting(integer(1, 1 << 20), 64)  # a shell, a log, an agent that starts
    accept_mount: tuple[str, ...] = setting(choices(*CONCERNS), ())
    full: FullConfig = field(default_factory=FullConfig)
