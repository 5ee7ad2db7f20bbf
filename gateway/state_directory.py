"""The state directory: the mount it is on, and the store in it."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import asdict
from typing import TYPE_CHECKING

from gateway import mounts
from gateway.store import Store, StoreError, quarantine
from gateway.store.disk import refined
from gateway.store.ledger import no_day
from gateway.store.policy import WhenFull
from gateway.store.reserve import Reserve
from gateway.store.room import MIB, Limits

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.config import Config
    from gateway.counters import Conditions

log = logging.getLogger(__name__)

SUBJECT = "state directory"  # of the condition
# By the reason of the StoreError; docs/operator.md has them all.
NEXT_STEPS = {
    "in_use": "fieldgate status shows the agent that runs; a second one needs a state directory of its own",
    "io": "is it a directory, does the disk work? ls -ld {directory}; dmesg",
    "full": "make room: df -h {directory}",
    "no_inodes": "delete files, however small: df -i {directory}",
    "read_only": "why is the disk read-only? findmnt -T {directory}; dmesg",
    "denied": "let this user write there: ls -ld {directory}",
    "corrupt": "move {directory}/store.db* away and keep them",
    "newer": "install the version that has written it, or a later one",
    "pragma": "choose a state directory on a local disk: no network drive, no FAT",
}
OTHER_STEP = "docs/operator.md, section Store"


class StateDirectory:
    """Where the gateway keeps what must survive. `today`: see Store.open."""

    def __init__(self, config: Config, conditions: Conditions, today: Callable[[], int] = no_day) -> None:
        self.mount = ""  # as people read it; empty until it could be looked at
        self._path = config.gateway.state_directory
        self._config = config.store
        self._conditions = conditions
        self._today = today

    async def open_store(self) -> Store:
        """The store; a new one where its file is damaged. Raises StoreError. May be tried again.

        In a thread: to begin a large store anew all of it is read, and the watchdog must be fed meanwhile.
        """
        try:
            store = await asyncio.to_thread(self._open)
        except StoreError as error:
            raise refined(error, self._path) from error
        finally:
            self._look_at_mount()
        found = quarantine.said(self._path)
        if found is not None:
            self._conditions.set(quarantine.SUBJECT, *found)
        return store

    def said(self, error: StoreError) -> str:
        """The error in one line: its reason, what it is, and what to do."""
        step = NEXT_STEPS.get(error.reason, OTHER_STEP).format(directory=self._path)
        return f"{error.reason}: {error}; next step: {step}"

    def _open(self) -> Store:
        try:
            return self._opened()
        except StoreError as error:
            if refined(error, self._path).reason == "full" and Reserve(self._path).give_up():
                log.warning("store: the disk is full; the reserve is given up")
                return self._opened()
            raise

    def _opened(self) -> Store:
        config = self._config
        return Store.open(
            self._path,
            group_commit_ms=config.group_commit_ms,
            today=self._today,
            limits=Limits(max_octets=config.max_mib * MIB, floor_octets=config.free_floor_mib * MIB),
            when_full={name: WhenFull(rule) for name, rule in asdict(config.full).items()},
        )

    def _look_at_mount(self) -> None:
        """Once it is known; a state directory that is not there yet has none."""
        if self.mount or not self._path.is_dir():
            return
        try:
            mountinfo = mounts.MOUNTINFO.read_text(encoding="utf-8", errors="surrogateescape")
        except OSError as error:
            log.warning("%s: the mount is not known: %s", SUBJECT, error)
            return
        mount = mounts.mount_of(self._path.resolve(), mountinfo)
        if mount is None:
            return
        self.mount = str(mount)
        found = mounts.concerns(mount, mountinfo)
        unaccepted = [each for each in found if each.name not in self._config.accept_mount]
        if found:
            worst = (unaccepted or found)[0]
            level = logging.WARNING if unaccepted else logging.INFO
            detail = "; ".join(each.detail for each in found)
            self._conditions.set(SUBJECT, worst.name, detail, level=level)
