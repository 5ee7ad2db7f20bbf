"""Nodes with a mistake on purpose, that the judge has to find. For MicroPython."""

from firmware import flash_queue, segment

_open = open
_left_open = []


class made:  # noqa: N801 - read as a word: with made("no_sync")
    """While this lasts, the firmware has the mistake of that name; none has no name."""

    def __init__(self, name):
        self._name = name
        self._undo = []

    def __enter__(self):
        queue = flash_queue.FlashQueue
        if self._name == "no_sync":
            self._put(segment, "open", _never_closed)
        elif self._name == "free_before_ack":
            self._put(queue, "get", _freeing(queue.get))
        elif self._name == "two_identities":
            self._put(queue, "join", _adopted(queue.join))
        elif self._name == "remove_before_gap":
            self._put(queue, "_drop", _gap_last(queue._drop))

    def __exit__(self, *_):
        for owner, name, value in self._undo:
            setattr(owner, name, value)

    def _put(self, owner, name, value):
        self._undo.append((owner, name, _open if name == "open" else getattr(owner, name)))
        setattr(owner, name, value)


class _Open:
    """A file whose `with` ends without its close, so that LittleFS commits nothing of it."""

    def __init__(self, file):
        self._file = file

    def __enter__(self):
        return self._file

    def __exit__(self, *_):
        _left_open.append(self._file)


def _never_closed(path, mode):
    file = _open(path, mode)
    return _Open(file) if mode == "wb" else file


def _freeing(get):
    def got(self, boot, stream, seq):
        found = get(self, boot, stream, seq)
        if found:
            self.free(boot, stream, found[1])
        return found

    return got


def _adopted(join):
    # What an earlier boot left is taken for this one's.
    return lambda self, in_ram: [[self._spill.queue.boot] + each[1:] for each in join(self, in_ram)]


def _gap_last(drop):
    def dropped(self, kept):
        self.close()
        self._shelf.remove(self._shelf.path(kept.boot, kept.stream, kept.file_seq))
        return drop(self, kept)

    return dropped
