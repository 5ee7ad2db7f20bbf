"""The launcher, installed as /main.py: watchdog first, then the application of the slot that launch.py names.

What stops the node is kept in /crash.txt for the next boot. Ctrl-C passes to the REPL at any moment, in
the pause after a crash, too, so a node that crashes at every start locks nobody out.
"""

import gc
import os
import sys
import time

import machine

CRASH = "/crash.txt"
WATCHDOG_MS = 60000  # firmware/heart.py feeds it
REPL_MS = 3600000  # a node that somebody left in the REPL measures again after this
PAUSE_S = 5
LONG_PAUSE_S = 50  # where even safe mode crashes: spares the flash; below WATCHDOG_MS
# Octets between collections: what is young is freed before it scatters. Set before the imports, it
# leaves half as much room again for a full queue as 8192 set after them.
GC_THRESHOLD = 4096


def record(cause: str, error: "Exception | None" = None) -> None:
    """Keep why this boot ends in CRASH: one line, then the traceback."""
    try:
        with open("/boot_count") as file:
            boot = file.read().strip()
    except OSError:
        boot = "unknown"
    try:
        with open(CRASH + ".new", "w") as file:
            up_s = time.time() - begun_s  # time.ticks_ms() begins anew after twelve days
            file.write(cause + " in boot " + boot + " after " + str(up_s) + " s\n")
            if error:
                sys.print_exception(error, file)
        os.rename(CRASH + ".new", CRASH)
    except Exception as fault:  # noqa: BLE001 - a full or broken file system: the console has it
        sys.print_exception(fault)


def run() -> None:
    """Run the node until something ends it, then the board starts again."""
    pause_s = LONG_PAUSE_S
    try:
        import launch  # noqa: PLC0415 - let go again

        stage, slot, trying, note = launch.begin()
        if stage < launch.SAFE:
            pause_s = PAUSE_S
        del sys.modules["launch"], launch  # 3 KB that nobody needs any more
        sys.path.insert(0, "/" + slot)
        from firmware import app  # noqa: PLC0415 - its slot is known just now

        app.main("/", stage, trying, note, record)
    except Exception as error:  # noqa: BLE001 - the root: whatever it is, it is recorded
        machine.Timer(0).deinit()  # the heart's: what it watches has ended
        machine.WDT(timeout=WATCHDOG_MS)
        sys.print_exception(error)
        record("crash", error)
        time.sleep(pause_s)
        machine.reset()


gc.threshold(GC_THRESHOLD)
begun_s = time.time()
machine.WDT(timeout=WATCHDOG_MS)
try:
    run()
except KeyboardInterrupt:
    # A watchdog cannot be stopped, and a soft reset stops timers that would feed it: it gets time instead.
    machine.WDT(timeout=REPL_MS)
    machine.Timer(0).deinit()
    import launch

    launch.planned()  # whatever resets the board now, it is no failure
    raise
