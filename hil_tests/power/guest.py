"""A whole computer whose power can be cut: Linux as a program (user-mode-linux), with a disk of its own.

Its root is this machine's, read only; only the disk is its own. When its processes are killed, all that it
had not yet given to the disk is gone, as at a power cut of a disk that honours flush.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

from hil_tests.interpreters import program

MEMORY = "160M"
DISK = "48M"
DISK_NAME = "disk.img"
END_S = 10.0
_ENVIRONMENT = {"PYTHONDONTWRITEBYTECODE": "1", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/"}
_INIT = """\
#!/bin/sh
mount -t proc proc /proc
mount -t ext4 /dev/ubda {mounted} && cd {folder} && {command}
echo "guest: ended with $?"
exec sleep 1000000
"""


class Guest:
    """Runs `command` in `folder` of this machine with the disk mounted on `mounted`.

    `port` is a pseudo-terminal of this machine, and the guest's /dev/ttyS0. It may be booted again after
    `cut`, and finds on its disk what had been given to it.
    """

    def __init__(self, directory: Path, command: Sequence[str], *, folder: Path, port: str) -> None:
        self.disk = directory / DISK_NAME
        self.mounted = directory / "mounted"
        self._console = directory / "console"
        self._init = directory / "init"
        self._port = port
        self._process: subprocess.Popen[bytes] | None = None
        self.mounted.mkdir()
        script = _INIT.format(
            mounted=shlex.quote(str(self.mounted)),
            folder=shlex.quote(str(folder)),
            command=shlex.join(command),
        )
        self._init.write_text(script, encoding="utf-8")
        self._init.chmod(0o755)
        make_disk(self.disk)

    def boot(self) -> None:
        """Switch it on."""
        command = [
            str(program("linux.uml").resolve()),
            f"mem={MEMORY}",
            *("root=/dev/root", "rootfstype=hostfs", "rootflags=/", "ro"),  # rw would be this machine's own
            f"ubd0={self.disk}",
            f"init={self._init}",
            f"ssl0=tty:{self._port}",
            *("con=null", "con0=null,fd:1", "quiet"),
        ]
        with self._console.open("ab") as console:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                env=_ENVIRONMENT,
                start_new_session=True,
            )

    def cut(self) -> None:
        """Cut its power. Harmless a second time."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)  # it is several processes
        self._process.wait(END_S)
        self._process = None

    def console(self) -> str:
        """What it said, over all boots; its end."""
        return self._console.read_text(encoding="utf-8", errors="replace")[-2000:]


def make_disk(path: Path) -> None:
    """An empty ext4 file system in a file."""
    with path.open("wb") as image:
        image.truncate(0)
    _run("mke2fs", "-q", "-F", "-t", "ext4", str(path), DISK)


def read_disk(disk: Path, scratch: Path, names: Sequence[str]) -> dict[str, bytes]:
    """Files of a disk as its next boot would find them: a copy's journal is replayed, without a mount."""
    copy = scratch / "copy.img"
    subprocess.run(["cp", "--sparse=always", str(disk), str(copy)], check=True)
    checked = subprocess.run(
        [str(program("e2fsck")), "-fy", str(copy)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    if checked.returncode not in {0, 1}:  # 1: the journal was replayed
        raise ValueError(f"e2fsck: {checked.returncode}: {checked.stdout.decode(errors='replace')}")
    found = {}
    for name in names:
        target = scratch / "file"
        target.unlink(missing_ok=True)
        _run("debugfs", "-R", f"dump {name} {target}", str(copy))
        if target.exists():
            found[name] = target.read_bytes()
    return found


def _run(name: str, *arguments: str) -> None:
    subprocess.run(
        [str(program(name)), *arguments], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
