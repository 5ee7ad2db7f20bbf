"""The gateway as a real process of its own: `fieldgate run`, with a configuration made here."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from gateway.status import SOCKET_NAME, Status, StatusError, ask

END_S = 8.0  # for an orderly end; its own limits are shorter
START_S = 15.0
POLL_S = 0.05
LOG_LINES = 8
STATE = "state"  # its folder

_CONFIGURATION = """\
[gateway]
name = "{name}"

[[port]]
glob = "{ports}"

[clock]
# Everything here runs on one machine with one clock, so it may believe it. A gateway in the field
# leaves this out and waits until the kernel says that the clock is synchronised.
assume_synchronised = {assumed}
"""
_SINK = """
[[sink.mqtt]]
name = "{name}"
url = "{url}"
"""


class GatewayEnded(Exception):
    """The gateway is not running; the message has the end of its log."""


class GatewayProcess:
    """A gateway in `directory`, which has its configuration, its state and its log.

    `ports` is the glob of its ports, `brokers` the URL of each sink by name, `settings` more of its
    configuration, `module` what is run in the place of the command, `prefix` what runs it at the next start.
    It may be started again after `stop` or `kill`, and finds its state there.
    """

    def __init__(
        self,
        directory: Path,
        *,
        name: str,
        ports: str,
        brokers: Mapping[str, str],
        capture: Path | None = None,
        settings: str = "",
        module: str = "gateway.cli",
        prefix: Sequence[str] = (),
        assume_synchronised: bool = True,
    ) -> None:
        self.name = name
        self._module = module
        self.prefix = prefix
        self.capture = capture
        self.state = directory / STATE
        self._log_path = directory / "gateway.log"
        self._config_path = directory / "fieldgate.toml"
        self._process: subprocess.Popen[bytes] | None = None
        self._status: Status | None = None
        directory.mkdir(parents=True, exist_ok=True)
        sinks = [_SINK.format(name=sink, url=url) for sink, url in brokers.items()]
        assumed = str(assume_synchronised).lower()
        configuration = _CONFIGURATION.format(name=name, ports=ports, assumed=assumed)
        configuration += "".join(sinks) + settings
        self._config_path.write_text(configuration, encoding="utf-8")

    def start(self) -> None:
        """Start it, in a session of its own: Ctrl-C in the terminal is not for it."""
        command = [
            *self.prefix,
            sys.executable,
            "-m",
            self._module,
            "run",
            "--config",
            str(self._config_path),
        ]
        command += ["--state", str(self.state)]
        if self.capture is not None:
            command += ["--capture", str(self.capture.absolute())]
        self._status = None
        with self._log_path.open("ab") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )

    @property
    def pid(self) -> int | None:
        """The process while it runs."""
        running = self._process is not None and self._process.poll() is None
        return self._process.pid if self._process is not None and running else None

    def status(self) -> Status | None:
        """How it is; the latest answer where there is none now, None before the first.

        Raises GatewayEnded.
        """
        code = None if self._process is None else self._process.poll()
        if code is not None:
            how = f"exit code {code}" if code >= 0 else signal.Signals(-code).name
            raise GatewayEnded(f"the gateway ended by itself, {how}:\n{self.log_end()}")
        with contextlib.suppress(OSError, StatusError):
            self._status = ask(self.state / SOCKET_NAME)
        return self._status

    def wait_for(self, fact: Callable[[Status], bool], timeout_s: float = START_S) -> Status:
        """The first status of which the fact is true. Raises TimeoutError that has the last one."""
        deadline_s = time.monotonic() + timeout_s
        while True:
            status = self.status()
            if status is not None and fact(status):
                return status
            if time.monotonic() > deadline_s:
                raise TimeoutError(f"after {timeout_s:.0f} s: {status}\n{self.log_end()}")
            time.sleep(POLL_S)

    def log(self) -> str:
        """All that it said, over all starts."""
        return self._log_path.read_text(encoding="utf-8", errors="replace")

    def log_end(self) -> str:
        """The latest lines of its log."""
        return "\n".join(self.log().splitlines()[-LOG_LINES:])

    def stop(self) -> int | None:
        """End it in order, or by force when it does not; give its exit code. Harmless a second time."""
        process = self._process
        if process is None:
            return None
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            return process.wait(END_S)
        except subprocess.TimeoutExpired:
            return self.kill()

    def kill(self) -> int | None:
        """SIGKILL, and wait until it is gone."""
        process = self._process
        if process is None:
            return None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        return process.wait()
