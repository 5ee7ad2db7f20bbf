"""How much heap a call takes on MicroPython; in its dialect."""

import gc


def octets_of(read):
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    read()
    after = gc.mem_alloc()
    gc.enable()
    return after - before
