"""Telling systemd how the service is: sd_notify(3), and a watchdog that watches progress.

A library of a few lines exists for the datagram, but it blocks when systemd's queue is full, knows
no watchdog and hides every error.
"""

from __future__ import annotations

import logging
import os
import socket
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

log = logging.getLogger(__name__)

STATUS_LIMIT = 200  # characters; `systemctl status` shows one line
STAGE_LIMIT_S = 30.0


class Notifier:
    """Sends states to systemd; without an address (not under systemd) it does nothing."""

    def __init__(self, address: str | None, watchdog_s: float | None = None) -> None:
        self.watchdog_s = watchdog_s  # systemd kills the service after this long without `alive`
        self._address = "\0" + address[1:] if address and address.startswith("@") else address
        self._failed = False

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Notifier:
        """As systemd has said it to this process in NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID."""
        watchdog_us = environ.get("WATCHDOG_USEC", "")
        for_us = environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        watchdog_s = int(watchdog_us) / 1e6 if for_us and watchdog_us.isdecimal() else 0.0
        return cls(environ.get("NOTIFY_SOCKET") or None, watchdog_s or None)

    def ready(self) -> None:
        """The service has started."""
        self._send("READY=1")

    def stopping(self) -> None:
        """The service has begun to end."""
        self._send("STOPPING=1")

    def alive(self) -> None:
        """Start the watchdog's time anew."""
        self._send("WATCHDOG=1")

    def status(self, text: str) -> None:
        """One line for `systemctl status`."""
        self._send("STATUS=" + " ".join(text.split())[:STATUS_LIMIT])

    def _send(self, state: str) -> None:
        if self._address is None:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sender:
                sender.sendto(state.encode(), self._address)
            self._failed = False
        except OSError as error:
            if not self._failed:
                log.warning("systemd cannot be told %s: %s", state, error)
            self._failed = True


class Stage:
    """One part of the service that must move on, or say why it has nothing to do."""

    def __init__(self, limit_s: float, now_s: Callable[[], float]) -> None:
        self._limit_s = limit_s
        self._now_s = now_s
        self._moved_s = now_s()
        self._idle: str | None = None

    def moved(self) -> None:
        """Some work was done, or has just begun."""
        self._moved_s = self._now_s()
        self._idle = None

    def idle(self, reason: str) -> None:
        """There is nothing to do until the next `moved`."""
        self._idle = reason

    def stuck_s(self) -> float | None:
        """For how long it has not moved; None when that is all right."""
        waited_s = self._now_s() - self._moved_s
        return waited_s if self._idle is None and waited_s > self._limit_s else None


class Progress:
    """All stages. The watchdog is fed only while every one of them moves or is idle for a reason."""

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s = now_s
        self._stages: dict[str, Stage] = {}

    def stage(self, name: str, limit_s: float = STAGE_LIMIT_S) -> Stage:
        """A new stage, as if it had just moved; in place of an earlier one of the name."""
        self._stages[name] = Stage(limit_s, self._now_s)
        return self._stages[name]

    def end(self, name: str) -> None:
        """The stage is no longer there."""
        self._stages.pop(name, None)

    def stuck(self) -> dict[str, float]:
        """Seconds since the last move of every stage that should have moved."""
        ages = {name: stage.stuck_s() for name, stage in self._stages.items()}
        return {name: age_s for name, age_s in ages.items() if age_s is not None}
