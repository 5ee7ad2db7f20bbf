"""Appends records for ever and says on standard output which ones are acknowledged.

Started by test_kill.py, which kills it. Argument: the store's directory.
"""

import asyncio
import os
import sys
from pathlib import Path

from gateway.store import Store
from tests.gateway.store.bench import BOOT, UID, arrival


async def main(directory):
    store = Store.open(directory, group_commit_ms=1)
    room = asyncio.Event()

    def committed(arrivals):
        os.write(1, b"".join(b"%d\n" % each.seq for each in arrivals))
        room.set()

    store.start(committed, lambda _arrivals, error: sys.exit(str(error)))
    await store.flush()
    seq = store.next_seqs(UID).get((BOOT, 1), 0)
    while True:
        room.clear()
        for _ in range(7):
            store.append(arrival(seq))
            seq += 1
        await room.wait()


asyncio.run(main(Path(sys.argv[1])))
