"""How a module of ours takes the place of one of MicroPython's.

sys.modules is looked at first, also for built-in modules, and takes any object.
"""

import sys

_modules = sys.modules


class Module:
    pass


def module(name, native=None, keep="", **members):
    """Make `import name` and `import uname` give these members, after those kept of `native`."""
    made = Module()
    for member in keep.split():
        setattr(made, member, getattr(native, member))
    for member in members:
        setattr(made, member, members[member])
    made.__name__ = name
    _modules[name] = made
    _modules["u" + name] = made
    return made
