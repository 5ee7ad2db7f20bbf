"""How a module of ours takes the place of one of MicroPython's.

sys.modules is looked at first, also for built-in modules. A file's module is the only one that can
be made at run time, so each of ours begins as another copy of blank.py.
"""

import socket
import sys
import vfs

_modules = sys.modules
_path = sys.path
_LATE = "/.board"
_files = None
_hidden = {"socket_native": socket}


def module(name, native=None, keep="", **members):
    """Make `import name` and `import uname` give these members, after those kept of `native`."""
    import blank

    del _modules["blank"]
    for member in keep.split():
        setattr(blank, member, getattr(native, member))
    for member in members:
        setattr(blank, member, members[member])
    blank.__name__ = name
    _modules[name] = blank
    _modules["u" + name] = blank
    return blank


def hide(names):
    """Take our own modules away from the firmware, which may have modules of these names; run once."""
    global _files
    _files = vfs.VfsPosix([path for path in _path if path[:1] == "/"][0])
    for name in names:
        if name in _modules:
            _hidden[name] = _modules.pop(name)


def late(name):
    """Have `import name` give what late_NAME.py holds, which is read when it is first used."""

    def find(attribute):
        del stand_in.__getattr__
        found = _load("late_" + name)
        for member in dir(found):
            if member[:2] != "__":
                setattr(stand_in, member, getattr(found, member))
        return getattr(stand_in, attribute)

    stand_in = module(name, __getattr__=find)


def _load(name):
    # The firmware's file system is all that it can see; ours is there for this moment only.
    mine = dict(_modules)
    _modules.update(_hidden)
    vfs.mount(_files, _LATE)
    _path.insert(0, _LATE)
    try:
        return __import__(name)
    finally:
        _path.pop(0)
        vfs.umount(_LATE)
        for new in list(_modules):
            if new not in mine:
                _hidden[new] = _modules.pop(new)
