"""The mount that the state directory is on, and what of it endangers what is stored.

Source: proc(5), /proc/PID/mountinfo; the options are named as the kernel shows them there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

MOUNTINFO = Path("/proc/self/mountinfo")
IN_MEMORY = {"tmpfs", "ramfs"}
NETWORK = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "fuse.sshfs", "fuse.glusterfs"}
FAT = {"vfat", "msdos", "exfat", "fuseblk"}  # fuseblk: NTFS, and exFAT on older systems
OVERLAY = "overlay"
_NO_BARRIER = {"nobarrier", "barrier=0", "barrier=none", "fsync_mode=nobarrier"}
_ESCAPE = re.compile(r"\\([0-7]{3})")
_BEHIND_ID = 3  # root, mount point and options follow id, parent and device


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """One line of mountinfo. `options` are those of the mount and those of its file system."""

    point: Path
    kind: str
    source: str
    options: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.kind} ({','.join(self.options)}) on {self.point}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Concern:
    """What endangers the store there. `name` is a stable word, explained in docs/operator.md."""

    name: str
    detail: str


WRITEBACK = "mount_writeback"
NO_BARRIER = "mount_no_barrier"
VOLATILE = "mount_volatile"
OVERLAID = "mount_overlay"
REMOTE = "mount_network"
NO_JOURNAL = "mount_fat"
CONCERNS = (WRITEBACK, NO_BARRIER, VOLATILE, OVERLAID, REMOTE, NO_JOURNAL)
_DETAILS = {
    WRITEBACK: "after a power cut files may hold old contents; mount it with data=ordered",
    NO_BARRIER: "the disk may write in another order than it was told; mount it with barriers",
    VOLATILE: "all of it is gone at the next power cut; choose a directory on a disk",
    OVERLAID: "its upper layer cannot be seen from here and may be in memory; choose a directory on a disk",
    REMOTE: "locks and fsync depend on another machine; choose a directory on a local disk",
    NO_JOURNAL: "a power cut may damage it as a whole; choose a directory on ext4, btrfs or f2fs",
}


def mount_of(directory: Path, mountinfo: str) -> Mount | None:
    """The mount that an absolute directory without symbolic links is on; None where none is listed."""
    found = None
    for line in mountinfo.splitlines():
        mount = _mount(line)
        if mount is None or not directory.is_relative_to(mount.point):
            continue
        # Of two at one place the later one lies on top.
        if found is None or len(mount.point.parts) >= len(found.point.parts):
            found = mount
    return found


def concerns(mount: Mount, mountinfo: str) -> list[Concern]:
    """What of the mount endangers the store, the worst first; `mountinfo` is the whole text."""
    names = []
    if mount.kind in IN_MEMORY:
        names.append(VOLATILE)
    if mount.kind == OVERLAY:
        upper = _upper(mount, mountinfo)
        if upper is None:
            names.append(OVERLAID)
        else:
            return concerns(upper, mountinfo)
    if mount.kind in NETWORK:
        names.append(REMOTE)
    if mount.kind in FAT:
        names.append(NO_JOURNAL)
    if "data=writeback" in mount.options:
        names.append(WRITEBACK)
    if _NO_BARRIER & set(mount.options):
        names.append(NO_BARRIER)
    return [Concern(name=name, detail=f"{mount}: {_DETAILS[name]}") for name in names]


def _upper(overlay: Mount, mountinfo: str) -> Mount | None:
    """The mount that an overlay writes to; None where it is not in sight, or there is none."""
    for option in overlay.options:
        name, _, value = option.partition("=")
        if name == "upperdir" and value.startswith("/"):
            upper = mount_of(Path(value), mountinfo)
            return None if upper is None or upper.kind == OVERLAY else upper
    return None


def _mount(line: str) -> Mount | None:
    left, separator, right = line.partition(" - ")
    fields = left.split(" ")[_BEHIND_ID:]
    behind = right.split(" ")
    if not separator or len(fields) < 3 or len(behind) < 2:  # noqa: PLR2004 - root, point, options; kind, source
        return None
    options = fields[2].split(",") + (behind[2].split(",") if len(behind) > 2 else [])  # noqa: PLR2004 - theirs
    return Mount(
        point=Path(_unescaped(fields[1])),
        kind=behind[0],
        source=_unescaped(behind[1]),
        options=tuple(dict.fromkeys(_unescaped(each) for each in options)),
    )


def _unescaped(text: str) -> str:
    """Space, tab, line end and backslash stand there as octal numbers."""
    return _ESCAPE.sub(lambda match: chr(int(match[1], 8)), text)
