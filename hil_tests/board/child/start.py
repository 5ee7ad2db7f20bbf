"""One boot of the board's processor: file system, boot.py, main.py, then what the REPL is told."""

import builtins
import gc
import os
import sys

import link
import shim  # before anything that replaces a module
import ticks
import wait
import clock
import tasks  # noqa: F401 - as `_asyncio`
import console
import flash
import processor
from codes import DONE, OK, RAISED, SYSTEM_EXIT

_OURS = (
    "start shim codes ahead link wait clock console flash flash_log processor pins buses spi analog timers one_wire"
    " ticks tasks chance"
).split()
_CORRUPT = "The filesystem appears to be corrupted. If you had important data there, you\nmay want to make a flash snapshot to try to recover it."


def run(fd):
    """Never returns."""
    link.connect(fd)
    config = link.query("boot")
    ticks.start(config)
    clock.set_rtc(config["rtc_offset_ns"])
    console.install(config["machine"])
    processor.install(config)
    urandom = None
    if config["virtual"]:
        import chance

        chance.start(config["seed"])
        console.print_in_time()
        urandom = chance.urandom
    flash.install_os(config["machine"], urandom)
    urandom = None
    try:
        flash.mount(config["flash"], config["flash_log"])
    except OSError:
        while True:
            print(_CORRUPT)
            wait.sleep_ms(3000)
    link.query("mounted")
    shim.hide(_OURS)
    sys.path[:] = ["", ".frozen", "/lib"]
    scope = {"__name__": "__main__"}
    run_boot, run_main = config["run_boot"], config["run_main"]
    machine_name = None
    config = None
    gc.collect()
    outcome = OK
    text = ""
    if run_boot:
        outcome, text = _attempt(_file, "boot.py", scope)
    if run_main and outcome == OK:
        outcome, text = _attempt(_file, "main.py", scope)
    while True:
        _tell_done(outcome, text)
        text = None
        while not link.work:
            try:
                link.wait(-1)
            except KeyboardInterrupt:
                pass  # came too late for the program it was meant for
        single, source = link.work.pop()
        outcome, text = _attempt(_source, (source, single), scope)
        source = None


def _attempt(execute, what, scope):
    try:
        execute(what, scope)
        link.wait(0)
    except SystemExit:
        return SYSTEM_EXIT, ""
    except BaseException as error:
        return RAISED, console.traceback(error)
    return OK, ""


def _file(name, scope):
    try:
        os.stat(name)
    except OSError:
        return
    execfile(name, scope)


def _source(what, scope):
    source, single = what
    exec(compile(str(source, "utf8"), "<stdin>", "single" if single else "exec"), scope)


def _tell_done(outcome, text):
    link.forget_interrupt()
    link.tell_octets(DONE, outcome, text.encode())
