"""An application with mistakes on purpose."""

from __future__ import annotations

from dataclasses import replace

from provisioning import application
from provisioning.application import Application, build

# What may be added to a module of the application.
CRASHES = '\n\ndef main(*_):\n    raise ValueError("a number too many")\n'
CRASHES_ON_TRIAL = """
import os
_main = main

def main(root, *more):
    if "settings.new" in os.listdir(root):
        raise ValueError("a number too many")
    _main(root, *more)
"""
BME280_CRASHES = "\n\ndef _crash(self):\n    raise ValueError('a chip too many')\n\nBME280.read = _crash\n"
HX711_HANGS = """
import time

def _hang(self):
    while True:
        time.sleep_ms(100)

HX711.read = _hang
"""


def with_mistake(**added: str) -> Application:
    """The application with `added` source behind modules: `firmware_app=CRASHES`."""
    right = build()
    sources = application.reduced_sources()
    modules = dict(right.modules)
    for name, source in added.items():
        module = name.replace("_", ".", 1)
        path = module.replace(".", "/") + ".mpy"
        modules[path] = application._compiled(module, (sources[module] + source).encode())
    return replace(right, modules=modules)


def launcher_with(added: str) -> bytes:
    """/launch.mpy with this behind its source."""
    return application._compiled(
        "launch", application._read(application._source_of("firmware.launch")) + added.encode()
    )
