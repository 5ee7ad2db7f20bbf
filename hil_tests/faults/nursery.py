"""Real gateways that start fast: one process has imported all, and each gateway is a fork of it.

From the fork on it is `fieldgate run`, with its own threads, files and sockets; what is saved is the
import of some hundred modules. Without it most of a kill loop would be spent there.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import traceback
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Self

END_S = 5.0  # for a killed process to be gone


class Nursery:
    """A context manager. `mistake` is the name of one of hil_tests/faults/mistakes.py."""

    def __init__(self, mistake: str = "") -> None:
        self._mistake = mistake
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__, *([self._mistake] if self._mistake else [])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._read() == "ready"
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(END_S)
        self._process.stdout.close()

    def start(self, config: Path, log: Path) -> int:
        """Start a gateway; its process id. Whoever starts it ends it with `kill`."""
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(f"{config}\t{log}\n")
        self._process.stdin.flush()
        return int(self._read())

    def _read(self) -> str:
        assert self._process is not None
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


def kill(pid: int) -> None:
    """SIGKILL, and wait until it is gone. Raises ProcessLookupError when it had ended by itself."""
    process = os.pidfd_open(pid)
    try:
        signal.pidfd_send_signal(process, signal.SIGKILL)
        gone, _, _ = select.select([process], [], [], END_S)
    finally:
        os.close(process)
    if not gone:
        raise TimeoutError(f"process {pid} is not gone {END_S:.0f} s after SIGKILL")


def serve(orders: IO[str]) -> None:
    """Fork a gateway for every line, until there are no more lines."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them
    print("ready", flush=True)
    for line in orders:
        config, log = line.rstrip("\n").split("\t")
        pid = os.fork()
        if not pid:
            _become(config, log)
        print(pid, flush=True)


def _become(config: str, log: str) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDONLY)
    kept = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for descriptor, target in ((nothing, 0), (kept, 1), (kept, 2)):
        os.dup2(descriptor, target)
    from gateway.cli import main  # noqa: PLC0415 - loaded already, by `__main__`

    try:
        sys.argv[1:] = ["run", "--config", config]
        main()
    except SystemExit as end:
        print(f"ended: {end}", flush=True)
    except Exception:  # noqa: BLE001 - the root of a process: into its log, and out
        traceback.print_exc()
    finally:
        os._exit(1)


if __name__ == "__main__":
    import gateway.agent
    import gateway.commands.run  # noqa: F401
    from hil_tests.faults import mistakes

    with ExitStack() as stack:
        for name in sys.argv[1:]:
            stack.enter_context(mistakes.ALL[name]())
        serve(sys.stdin)
