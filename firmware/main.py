"""The launcher, installed as /main.py: runs the node, and keeps what stopped it for the next boot.

Ctrl-C passes to the REPL, so mpremote gets in; it also breaks the pause after a crash, so a node
that crashes at every start locks nobody out.
"""

import gc
import os
import sys
import time

CRASH = "/crash.txt"
PAUSE_S = 5
# Octets between collections: what is young is freed before it scatters. Set before the imports, it
# leaves half as much room again for a full queue as 8192 set after them.
GC_THRESHOLD = 4096

gc.threshold(GC_THRESHOLD)
try:
    from firmware import app

    app.main()
except Exception as error:  # noqa: BLE001 - the root: whatever it is, it is recorded
    sys.print_exception(error)
    try:
        with open(CRASH + ".new", "w") as file:
            sys.print_exception(error, file)
        os.rename(CRASH + ".new", CRASH)
    except OSError:
        pass  # a full or broken file system: the console has it
    time.sleep(PAUSE_S)

    from firmware import board

    board.reset()
