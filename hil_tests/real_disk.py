"""A small file system of its own, that others can fill, and that can become read-only.

Root mounts it; anybody else does so in a user namespace of their own, which a process of ours holds, and sees
it through that process in /proc. SQLite follows what looks there like a link to another place: a program that
uses SQLite is to run in that namespace, with `prefix`, or to open its files with `vfs`.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
from pathlib import Path
from typing import IO, Self

import apsw

MIB = 1 << 20
CHUNK = 256 * 1024
HOG = "others"  # what somebody else put there
DONE = "done"
IS_ROOT = os.geteuid() == 0
# Lets a mounted file system find an error; it then becomes read-only, as after a bad sector.
_TRIGGER = "/sys/fs/ext4/{device}/trigger_fs_error"


class RealDisk:
    """A tmpfs, or ext4 on a loop device, which only root can have. A context manager.

    `path` is where it is to be seen, `device` what it is on, if anything; `prefix` begins the command line of
    a program that is to find it there, too, and `vfs` is SQLite's name of a file layer that does.
    """

    def __init__(self, *, octets: int = 32 * MIB, inodes: int = 0, kind: str = "tmpfs") -> None:
        self._octets = octets
        self._inodes = inodes
        self._kind = kind
        self._exit = contextlib.ExitStack()
        self._holder: subprocess.Popen[str] | None = None
        self.device = ""
        self.path = Path()
        self.prefix: tuple[str, ...] = ()
        self.vfs = ""

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as undo:
            folder = Path(undo.enter_context(tempfile.TemporaryDirectory(prefix="fieldgate-disk-")))
            self._point = folder / "disk"
            self._point.mkdir()
            self.path = self._point
            if not IS_ROOT:
                self._hold(undo)
            if self._kind == "ext4":
                self._make_image(folder, undo)
            self.mount()
            undo.callback(self._unmount)
            if self._holder is not None:
                self._be_seen(self._holder.pid, undo)
            self._exit = undo.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._exit.close()

    def mount(self) -> None:
        """Put it there, as it was."""
        if self._kind == "ext4":
            self._run("mount", "-o", "errors=remount-ro", self.device, str(self._point))
            return
        options = f"size={self._octets}" + (f",nr_inodes={self._inodes}" if self._inodes else "")
        self._run("mount", "-t", "tmpfs", "-o", options, "tmpfs", str(self._point))

    def remount(self, options: str) -> None:
        """As mount(8) has it: ro, rw. Nobody may have a file open to write for ro."""
        # Named in full, or mount adds what it finds of it: an owner whom the namespace does not know.
        self._run(
            "mount", "-t", self._kind, "-o", f"remount,{options}", self.device or self._kind, str(self._point)
        )

    def repair(self) -> None:
        """What is done after an error: unmount, check, mount. Nobody may be on it."""
        self._unmount()
        subprocess.run(["fsck.ext4", "-f", "-p", self.device], check=False, capture_output=True)
        self.mount()

    def fail(self) -> None:
        """Let ext4 find an error: it becomes read-only under whoever uses it."""
        Path(_TRIGGER.format(device=Path(self.device).name)).write_text("x", encoding="ascii")

    def fill(self) -> None:
        """Take all that is left, to the last octet."""
        with (self.path / HOG).open("ab", buffering=0) as hog:
            for size in (CHUNK, 4096, 512, 1):
                with contextlib.suppress(OSError):
                    while hog.write(bytes(size)) == size:
                        pass

    def fill_inodes(self) -> None:
        """Take every inode that is left."""
        folder = self.path / "many"
        with contextlib.suppress(OSError):
            folder.mkdir(exist_ok=True)
            for number in range(1 << 20):
                (folder / str(number)).touch(exist_ok=False)

    def free(self) -> None:
        """Give back what `fill` and `fill_inodes` took."""
        (self.path / HOG).unlink(missing_ok=True)
        folder = self.path / "many"
        if folder.exists():
            for each in folder.iterdir():
                each.unlink()
            folder.rmdir()

    def _make_image(self, folder: Path, undo: contextlib.ExitStack) -> None:
        image = folder / "image"
        with image.open("wb") as file:
            file.truncate(self._octets)
        inodes = ["-N", str(self._inodes)] if self._inodes else []
        subprocess.run(["mkfs.ext4", "-q", *inodes, str(image)], check=True)
        made = subprocess.run(
            ["losetup", "--show", "-f", str(image)], check=True, capture_output=True, text=True
        )
        self.device = made.stdout.strip()
        undo.callback(subprocess.run, ["losetup", "-d", self.device], check=True)

    def _hold(self, undo: contextlib.ExitStack) -> None:
        self._holder = undo.enter_context(
            subprocess.Popen(
                ["unshare", "-rm", "sh"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
        )
        undo.callback(_pipe(self._holder.stdin).close)

    def _be_seen(self, holder: int, undo: contextlib.ExitStack) -> None:
        self.path = Path(f"/proc/{holder}/root") / self._point.relative_to("/")
        self.prefix = ("nsenter", "-U", "-m", "--preserve-credentials", "-t", str(holder), "--")
        vfs = _NamesAsTheyAre(f"disk-{holder}", "")
        undo.callback(vfs.unregister)
        self.vfs = f"disk-{holder}"

    def _unmount(self) -> None:
        self._run("umount", str(self._point))

    def _run(self, *command: str) -> None:
        if self._holder is None:
            subprocess.run(command, check=True)
            return
        words = " ".join(f"'{word}'" for word in command)
        print(f"{words} && echo {DONE} || echo failed", file=_pipe(self._holder.stdin), flush=True)
        said = _pipe(self._holder.stdout).readline().strip()
        if said != DONE:
            raise OSError(f"{words}: {said or 'the namespace is gone'}")


class _NamesAsTheyAre(apsw.VFS):
    def xFullPathname(self, name: str) -> str:  # noqa: N802 - SQLite's name
        return name


def _pipe(pipe: IO[str] | None) -> IO[str]:
    assert pipe is not None
    return pipe


def has_ext4() -> bool:
    """Whether this user can have ext4 on a loop device."""
    return IS_ROOT and Path("/dev/loop-control").exists() and Path("/sys/fs/ext4").exists()
