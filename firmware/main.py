"""The launcher, installed as /main.py: watchdog first, then the application of the slot that launch.py names.

Ctrl-C passes to the REPL at any moment, in the pause after a crash, too, so a node that crashes at every
start locks nobody out. What is not always needed is in launch.py, for this module stays in memory.
"""

import gc
import sys
import time

import machine

WATCHDOG_MS = 60000  # firmware/heart.py feeds it


def run() -> None:
    """Run the node until something ends it, then the board starts again."""
    begun_s = time.time()  # time.ticks_ms() begins anew after twelve days
    stage = 0
    try:
        import launch  # noqa: PLC0415 - let go again

        stage, slot, trying, note = launch.begin()
        del sys.modules["launch"], launch
        sys.path.insert(0, "/" + slot)
        from firmware import app  # noqa: PLC0415 - its slot is known just now

        app.main("/", stage, trying, note)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the root: whatever it is, it is recorded
        machine.WDT(timeout=WATCHDOG_MS)
        sys.print_exception(error)
        gc.collect()  # the application's objects are garbage now
        import launch  # noqa: PLC0415 - see above

        launch.record("crash", time.time() - begun_s, error)
        launch.pause(stage)
        machine.reset()


# Octets between collections: what is young is freed before it scatters. Set before the imports, it
# leaves half as much room again for a full queue as 8192 set after them.
gc.threshold(4096)
machine.WDT(timeout=WATCHDOG_MS)
try:
    run()
except KeyboardInterrupt:
    while True:
        try:
            import launch

            launch.let_in()
            break
        except KeyboardInterrupt:
            pass  # many a tool sends Ctrl-C twice
    raise
