"""The gateway as a real process of its own: `fieldgate run`, with a configuration made here."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from asyncio.subprocess import Process
from pathlib import Path

from gateway.status import SOCKET_NAME, Status, StatusError, ask

END_S = 8.0  # for an orderly end; its own limits are shorter
LOG_LINES = 8
STATE = "state"  # its folder

_CONFIGURATION = """\
[gateway]
name = "{name}"

[[port]]
glob = "{ports}"

[clock]
# A demo measures the delay on one machine with one clock, so it may believe it. A gateway in the
# field leaves this out and waits until the kernel says that the clock is synchronised.
assume_synchronised = true

[[sink.mqtt]]
url = "{broker}"
"""


class GatewayEnded(Exception):
    """The gateway is not running; the message has the end of its log."""


class GatewayProcess:
    """One run of the gateway in `directory`: configuration, state, capture and log are in there."""

    def __init__(self, directory: Path, *, name: str, ports: str, broker: str, capture: Path | None) -> None:
        self.name = name
        self.capture = capture
        self.state = directory / STATE
        self._log_path = directory / "gateway.log"
        self._config_path = directory / "fieldgate.toml"
        self._config_path.write_text(
            _CONFIGURATION.format(name=name, ports=ports, broker=broker), encoding="utf-8"
        )
        self._process: Process | None = None
        self._status: Status | None = None

    async def start(self) -> None:
        """Start it, in a session of its own: Ctrl-C in the terminal is for the demo alone."""
        command = [sys.executable, "-m", "gateway.cli", "run", "--config", str(self._config_path)]
        command += ["--state", str(self.state)]
        if self.capture is not None:
            command += ["--capture", str(self.capture.absolute())]
        with self._log_path.open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @property
    def pid(self) -> int | None:
        """The process while it runs."""
        running = self._process is not None and self._process.returncode is None
        return self._process.pid if self._process is not None and running else None

    async def status(self) -> Status | None:
        """How it is; the latest answer where there is none now, None before the first.

        Raises GatewayEnded.
        """
        if self._process is not None and self._process.returncode is not None:
            code = self._process.returncode
            how = f"exit code {code}" if code >= 0 else signal.Signals(-code).name
            raise GatewayEnded(f"the gateway ended by itself, {how}:\n{self.log_end()}")
        with contextlib.suppress(OSError, StatusError):
            self._status = await asyncio.to_thread(ask, self.state / SOCKET_NAME)
        return self._status

    def log_end(self) -> str:
        """The latest lines of its log."""
        lines = self._log_path.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(lines[-LOG_LINES:])

    async def stop(self) -> int | None:
        """End it in order, or by force when it does not; give its exit code. Harmless a second time."""
        process = self._process
        if process is None:
            return None
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(END_S):
                return await process.wait()
        except TimeoutError:
            return await self._kill(process)

    async def _kill(self, process: Process) -> int:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        return await process.wait()
