"""`select` and the sleeping half of `time`: time passes only in link.wait, where interrupts come."""

import ahead
import link
import ticks
from select import POLLERR, POLLHUP, POLLIN, POLLOUT
from select import poll as _native_poll
from time import sleep_us as _native_sleep_us
from time import ticks_add as _add
from time import ticks_diff as _diff

from shim import module
from ticks import real_ms, ticks_ms

_SHORT_US = 2000


def sleep_ms(ms):
    end = _add(ticks_ms(), max(0, ms))
    while True:
        left = _diff(end, ticks_ms())
        link.wait(real_ms(max(0, left)))
        if left <= 0:
            return


def sleep(seconds):
    sleep_ms(int(seconds * 1000))


def sleep_us(us):
    if us >= _SHORT_US:
        sleep_ms(us // 1000)
        us %= 1000
    if ticks.virtual:
        ticks.work(us)
    else:
        link.flush()
        _native_sleep_us(us)


class Poll:
    """select.poll that also wakes for the link, and knows which sockets the radio keeps silent."""

    def __init__(self):
        self._objects = _native_poll()
        self._all = _native_poll()
        self._all.register(link.socket(), POLLIN)
        self._asked = -1  # link.waits when nothing was ready
        self._sockets = {}  # id -> [socket, flags, whether it is registered]
        self._network = link.network

    def register(self, thing, flags=POLLIN | POLLOUT):
        self._asked = -1
        if hasattr(thing, "on_radio"):
            self.unregister(thing)
            self._sockets[id(thing)] = [thing, flags, False]
            self._heed_radio()
        else:
            self._objects.register(thing, flags)
            self._all.register(thing, flags)

    def modify(self, thing, flags):
        self._asked = -1
        if id(thing) in self._sockets:
            self.register(thing, flags)
        else:
            self._objects.modify(thing, flags)
            self._all.modify(thing, flags)

    def unregister(self, thing):
        entry = self._sockets.pop(id(thing), (thing, 0, not hasattr(thing, "on_radio")))
        if entry[2]:
            self._objects.unregister(thing)
            self._all.unregister(thing)

    def _heed_radio(self):
        # Those that are dead are ready; those that are silent are not.
        self._network = link.network
        dead = []
        for entry in self._sockets.values():
            thing, flags, registered = entry
            wanted = not thing.is_silent and not thing.is_dead
            if wanted and not registered:
                self._objects.register(thing, flags)
                self._all.register(thing, flags)
            elif registered and not wanted:
                self._objects.unregister(thing)
                self._all.unregister(thing)
            entry[2] = wanted
            if thing.is_dead:
                dead.append((thing, POLLERR | POLLHUP))
        return dead

    def ipoll(self, timeout_ms=-1, flags=0):
        if self.passes(timeout_ms):
            return ()
        if self._sockets:
            return self.poll(timeout_ms)
        self._wait(timeout_ms)
        return self._objects.ipoll(0, flags)

    def passes(self, timeout_ms):
        """Whether that time is over by now, for nothing can have come: only in virtual time."""
        if self._asked != link.waits or not 0 <= timeout_ms * 1000 < ticks.free - ticks.local:
            return False
        if ahead.data >= 0:
            ahead.end()
        ticks.local += timeout_ms * 1000
        return True

    def poll(self, timeout_ms=-1):
        self._wait(timeout_ms)
        ready = self._objects.poll(0)
        return self._heed_radio() + ready if self._sockets else ready

    def _wait(self, timeout_ms):
        if ticks.virtual:
            self._wait_virtually(timeout_ms)
            return
        link.flush()
        if timeout_ms > 0:
            end = _add(ticks_ms(), timeout_ms)
        left = timeout_ms
        while True:
            if self._sockets and self._heed_radio():
                return
            mine = False
            others = False
            for thing, _ in self._all.ipoll(real_ms(left)):
                if thing is link.socket():
                    mine = True
                else:
                    others = True
            if mine:
                link.wait(0)
            if others or timeout_ms == 0:
                return
            if timeout_ms > 0:
                left = _diff(end, ticks_ms())
                if left <= 0:
                    return

    def _wait_virtually(self, timeout_ms):
        # What can be read came before the wait, or ends it.
        end = _add(ticks_ms(), timeout_ms)
        while not self._is_ready() and timeout_ms:
            link.wait(timeout_ms)
            if timeout_ms > 0:
                timeout_ms = max(0, _diff(end, ticks_ms()))

    def _is_ready(self):
        if self._asked == link.waits:
            return False
        for _ in self._objects.ipoll(0):
            return True
        self._asked = link.waits
        return False


select = module("select", poll=Poll, POLLIN=POLLIN, POLLOUT=POLLOUT, POLLERR=POLLERR, POLLHUP=POLLHUP)
