"""Finds serial ports by a glob and serves each for as long as it is there."""

from __future__ import annotations

import asyncio
import glob
import logging
import os
import random
import time
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from gateway.serial_port import OpenFault, PortLost, PortUnopened, SerialPort
from gateway.status import PortStatus

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from gateway.config import PortConfig
    from gateway.counters import Conditions, Counters

log = logging.getLogger(__name__)

RESCAN_S = 1.0
RETRY_S = 0.5  # the first pause after a failure; it doubles
RETRY_LIMIT_S = 30.0
BUSY_RETRY_S = 1.0  # a technician's tool is done within seconds, and the node is waiting
STABLE_S = 60.0  # served for so long, a port has earned the first pause again
PORTS_LIMIT = 64  # of one glob; '/dev/tty*' is a mistake
BUSY_MEANING = "another program has it; it is tried again every second"
DENIED_STEP = "add the service's user to the group of the device, usually dialout, and restart"


class PortState(StrEnum):
    """What is the matter with a port."""

    ABSENT = "absent"  # nothing matches the glob
    OPENING = "opening"
    OPEN = "open"
    BUSY = "busy"  # another program has it, for example mpremote
    DENIED = "denied"
    LOST = "lost"  # it was there, or is there and does not work


LEVELS = {PortState.OPENING: logging.DEBUG, PortState.OPEN: logging.INFO, PortState.BUSY: logging.INFO}
STATES = {OpenFault.BUSY: PortState.BUSY, OpenFault.DENIED: PortState.DENIED}


class Opener(Protocol):
    """SerialPort.open, or what a test has instead."""

    def __call__(self, path: str, baud: int) -> SerialPort:
        """Raises PortUnopened."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PortTiming:
    """The pauses of a supervisor, in seconds of the event loop."""

    rescan_s: float = RESCAN_S
    retry_s: float = RETRY_S
    retry_limit_s: float = RETRY_LIMIT_S
    busy_retry_s: float = BUSY_RETRY_S
    stable_s: float = STABLE_S


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    state: PortState
    detail: str
    since_s: float


class PortSupervisor:
    """One glob of the configuration.

    `serve` is called with every port that opens and is expected to end with PortLost (or a group
    of it). `taken` is shared by all supervisors: the devices that some supervisor looks after, by
    real path, so that a device that has several names is opened once.
    """

    def __init__(
        self,
        config: PortConfig,
        serve: Callable[[SerialPort], Awaitable[None]],
        *,
        taken: set[str],
        counters: Counters,
        conditions: Conditions,
        timing: PortTiming | None = None,
        opener: Opener = SerialPort.open,
        jitter: Callable[[], float] = random.random,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._config = config
        self._serve = serve
        self._taken = taken
        self._counters = counters
        self._conditions = conditions
        self._timing = timing or PortTiming()
        self._opener = opener
        self._jitter = jitter
        self._now_s = now_s
        self._began_s = now_s()
        self._entries: dict[str, _Entry] = {}
        self._tasks = 0

    async def run(self) -> None:
        """Look after all ports of the glob until cancelled. Raises nothing else."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                for path, device in _matches(self._config.glob):
                    if device not in self._taken and self._may_be_new(path):
                        self._taken.add(device)
                        self._tasks += 1
                        tasks.create_task(self._look_after(path, device), name=f"port {path}")
                await asyncio.sleep(self._timing.rescan_s)

    def status(self) -> list[PortStatus]:
        """Every port by name; the glob itself as `absent` while nothing has ever matched it."""
        now_s = self._now_s()
        if not self._entries:
            age_s = now_s - self._began_s
            return [PortStatus(path=self._config.glob, state=PortState.ABSENT, age_s=age_s)]
        return [
            PortStatus(path=path, state=entry.state, detail=entry.detail, age_s=now_s - entry.since_s)
            for path, entry in sorted(self._entries.items())
        ]

    def _may_be_new(self, path: str) -> bool:
        subject = f"ports {self._config.glob}"
        if self._tasks >= PORTS_LIMIT:
            self._conditions.set(subject, "too_many_ports", f"{path} is not opened: {PORTS_LIMIT} are")
            return False
        self._conditions.clear(subject)
        return True

    async def _look_after(self, path: str, device: str) -> None:
        """Open and serve one device for as long as it is there under this name."""
        self._forget_one_lost(path)
        failures = 0
        try:
            while _leads_to(path, device):
                began_s = self._now_s()
                state, detail = await self._open_and_serve(path)
                self._set_kept(path, state, detail)
                failures = 0 if self._now_s() - began_s >= self._timing.stable_s else failures + 1
                if _leads_to(path, device):
                    await asyncio.sleep(self._pause_s(state, failures))
        finally:
            self._taken.discard(device)
            self._tasks -= 1
        self._set_kept(path, PortState.LOST, "unplugged")

    async def _open_and_serve(self, path: str) -> tuple[PortState, str]:
        """What the port's state is afterwards, and why."""
        if path not in self._entries:
            self._set(path, PortState.OPENING)
        try:
            port = self._opener(path, self._config.baud)
        except PortUnopened as unopened:
            self._counters.count(f"port_{unopened.fault}")
            words = {OpenFault.BUSY: BUSY_MEANING, OpenFault.DENIED: DENIED_STEP}.get(unopened.fault)
            detail = f"{unopened.detail}: {words}" if words else unopened.detail
            return STATES.get(unopened.fault, PortState.LOST), detail
        self._counters.count("port_opened")
        try:
            self._set(path, PortState.OPEN)
            self._judge_adapter(port)
            reason = await self._served(port)
        finally:
            port.close()
            self._conditions.clear(f"adapter {path}")
        self._counters.count("port_lost")
        return PortState.LOST, reason

    async def _served(self, port: SerialPort) -> str:
        """Why serving the port ended. A mistake in the code of one port leaves the others alone."""
        try:
            await self._serve(port)
        except PortLost as lost:
            return lost.reason
        except Exception as error:
            lost_leaf = only_lost(error)
            if lost_leaf is not None:
                return lost_leaf.reason
            self._counters.count("port_serve_failed")
            log.exception("%s: serving it failed", port.path)
            return type(error).__name__
        return "ended"

    def _judge_adapter(self, port: SerialPort) -> None:
        if not port.adapter.sharp:
            detail = f"it keeps octets back for up to {port.adapter.latency_ms} ms: times are that uncertain"
            self._conditions.set(f"adapter {port.path}", "ftdi_latency", detail)

    def _pause_s(self, state: PortState, failures: int) -> float:
        timing = self._timing
        if state is PortState.BUSY:
            return timing.busy_retry_s
        doublings = min(failures, 16)  # far above the limit, far below an overflow
        longest_s: float = min(timing.retry_limit_s, timing.retry_s * 2**doublings)
        return longest_s * (1 + self._jitter()) / 2

    def _set(self, path: str, state: PortState, detail: str = "") -> None:
        known = self._entries.get(path)
        if known is None or (known.state, known.detail) != (state, detail):
            self._entries[path] = _Entry(state=state, detail=detail, since_s=self._now_s())
        level = LEVELS.get(state, logging.WARNING)
        self._conditions.set(f"port {path}", state, detail, level=level)

    def _set_kept(self, path: str, state: PortState, detail: str) -> None:
        if path in self._entries:  # else another device has been taken for it meanwhile
            self._set(path, state, detail)

    def _forget_one_lost(self, path: str) -> None:
        """A device that appears is taken for one that was lost: replugged, perhaps renamed."""
        lost = [
            each
            for each, entry in self._entries.items()
            if entry.state is PortState.LOST or not os.path.exists(each)  # noqa: PTH110 - never raises
        ]
        gone = path if path in lost else min(lost, key=lambda each: self._entries[each].since_s, default=None)
        if gone is not None:
            del self._entries[gone]
            self._conditions.clear(f"port {gone}")


def _matches(pattern: str) -> list[tuple[str, str]]:
    """(name, device) of everything the glob matches now."""
    return [(path, os.path.realpath(path)) for path in sorted(glob.glob(pattern))]  # noqa: PTH207


def _leads_to(path: str, device: str) -> bool:
    """Whether the name still exists and means the same device."""
    return os.path.exists(path) and os.path.realpath(path) == device  # noqa: PTH110 - never raises


def only_lost(error: Exception) -> PortLost | None:
    """The first PortLost of an exception group that holds nothing else."""
    if isinstance(error, PortLost):
        return error
    if not isinstance(error, ExceptionGroup):
        return None
    leaves = [only_lost(each) for each in error.exceptions]
    return None if None in leaves else leaves[0]
