"""How a module of ours takes the place of one of MicroPython's.

sys.modules is looked at first, also for built-in modules. A file's module is the only one that can
be made at run time, so each of ours begins as another copy of blank.py.
"""

import sys

_modules = sys.modules


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
