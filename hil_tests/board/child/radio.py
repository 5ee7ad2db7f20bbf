"""Whether what a socket says goes anywhere: told by the host, looked at by every socket."""

import link

CHANGED = 512  # the place of a handler, above pins and timers

sockets = []  # that are open
generation = 0  # of the address: sockets of an older one are dead


def flows():
    """Whether octets get through."""
    return bool(link.network & 1)


def has_address():
    return bool(link.network & 2)


def changed():
    """What waited to be sent goes, or those whose address is gone die."""
    global generation
    generation = link.network >> 2
    for each in list(sockets):
        each.on_radio()


link.handlers[CHANGED] = changed
changed()
