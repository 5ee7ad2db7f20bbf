"""A disk under SQLite that can fail, and that forgets at a power cut what was not synced."""

import itertools
from pathlib import Path

import apsw

_numbers = itertools.count()


class FaultyDisk(apsw.VFS):
    """Real files are the page cache; `platters` holds what survives a power cut.

    A sync that fails behaves as Linux does: what it should have written is marked clean, so no later
    sync writes it (LWN 752063, "fsyncgate").
    """

    def __init__(self):
        self.name = f"faulty-disk-{next(_numbers)}"
        super().__init__(self.name, "")
        self.platters = {}
        self.failing_syncs = 0  # how many are to fail; -1 for all
        self.full = False
        self.at_fault = None  # called when a sync fails, at that very moment

    def xOpen(self, name, flags):  # noqa: N802 - SQLite's name
        return _File(self, name, flags)

    def xDelete(self, name, sync_directory):  # noqa: N802
        super().xDelete(name, sync_directory)
        self.platters.pop(name, None)

    def sync(self, path, waiting):
        """Put what waits on the platter, or lose it."""
        if self.failing_syncs:
            self.failing_syncs -= self.failing_syncs > 0
            waiting.clear()
            if self.at_fault is not None:
                self.at_fault()
            raise apsw.IOError("injected")
        platter = self.platters.setdefault(path, bytearray())
        for offset, data in waiting:
            platter.extend(bytes(max(0, offset - len(platter))))
            platter[offset : len(platter) if data is None else offset + len(data)] = data or b""
        waiting.clear()

    def kill(self, old, new):
        """As after kill -9: the files with all that is in the page cache, and nobody has them open."""
        new.mkdir()
        for path in _files(old):
            copy = new / path.name
            copy.write_bytes(path.read_bytes())
            self.platters[str(copy)] = bytearray(self.platters.get(str(path), b""))

    def cut_power(self, old, new):
        """As after a power cut: the files with what is on the platters."""
        new.mkdir()
        for path in _files(old):
            (new / path.name).write_bytes(self.platters.get(str(path), b""))


def _files(directory):
    # The -shm is shared memory: it ends with the process.
    return [Path(directory, name) for name in ("store.db", "store.db-wal") if Path(directory, name).exists()]


class _File(apsw.VFSFile):
    def __init__(self, disk, name, flags):
        super().__init__("", name, flags)
        self._disk = disk
        self._path = name.filename() if isinstance(name, apsw.URIFilename) else name
        self._waiting = []  # (offset, octets), or (size, None) for a truncation

    def xWrite(self, data, offset):  # noqa: N802
        if self._disk.full:
            raise apsw.FullError("injected")
        super().xWrite(data, offset)
        self._waiting.append((offset, bytes(data)))

    def xTruncate(self, size):  # noqa: N802
        super().xTruncate(size)
        self._waiting.append((size, None))

    def xSync(self, flags):  # noqa: N802
        self._disk.sync(self._path, self._waiting)
