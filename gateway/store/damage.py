"""Rows that fail their CRC: counted and told once each, never given out."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.store.records import Stored

log = logging.getLogger(__name__)

TOLD = 1024  # ids remembered; beyond, a damaged row may be told of once more


class Damage:
    """What of the store is damaged, as far as it was read."""

    def __init__(self) -> None:
        self.count = 0
        self.on_damaged: Callable[[Stored], None] | None = None
        self._told: dict[int, None] = {}

    def tell(self, stored: Stored) -> None:
        """This row is damaged. What it says of itself may be wrong, but for its id."""
        if stored.id in self._told:
            return
        if not self.count:
            log.error("store: record %d is damaged and not delivered; later ones are counted", stored.id)
        self.count += 1
        self._told[stored.id] = None
        if len(self._told) > TOLD:
            del self._told[next(iter(self._told))]
        if self.on_damaged is not None:
            self.on_damaged(stored)
