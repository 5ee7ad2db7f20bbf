"""`select` and the sleeping half of `time`: time passes only in link.wait, where interrupts come."""

import link
import time
from select import POLLERR, POLLHUP, POLLIN, POLLOUT
from select import poll as _native_poll

from shim import module

_ticks_ms = time.ticks_ms
_ticks_add = time.ticks_add
_ticks_diff = time.ticks_diff
_native_sleep_us = time.sleep_us


def sleep_ms(ms):
    end = _ticks_add(_ticks_ms(), max(0, ms))
    while True:
        left = _ticks_diff(end, _ticks_ms())
        link.wait(max(0, left))
        if left <= 0:
            return


def sleep(seconds):
    sleep_ms(int(seconds * 1000))


def sleep_us(us):
    if us >= 2000:
        sleep_ms(us // 1000)
        us %= 1000
    link.flush()
    _native_sleep_us(us)


class Poll:
    """select.poll that also wakes for the link."""

    def __init__(self):
        self._objects = _native_poll()
        self._all = _native_poll()
        self._all.register(link.socket(), POLLIN)

    def register(self, thing, flags=POLLIN | POLLOUT):
        self._objects.register(thing, flags)
        self._all.register(thing, flags)

    def modify(self, thing, flags):
        self._objects.modify(thing, flags)
        self._all.modify(thing, flags)

    def unregister(self, thing):
        self._objects.unregister(thing)
        self._all.unregister(thing)

    def ipoll(self, timeout_ms=-1, flags=0):
        self._wait(timeout_ms)
        return self._objects.ipoll(0, flags)

    def poll(self, timeout_ms=-1):
        self._wait(timeout_ms)
        return self._objects.poll(0)

    def _wait(self, timeout_ms):
        link.flush()
        if timeout_ms > 0:
            end = _ticks_add(_ticks_ms(), timeout_ms)
        left = timeout_ms
        while True:
            mine = False
            others = False
            for thing, _ in self._all.ipoll(left):
                if thing is link.socket():
                    mine = True
                else:
                    others = True
            if mine:
                link.wait(0)
            if others or not mine or timeout_ms == 0:
                return
            if timeout_ms > 0:
                left = max(0, _ticks_diff(end, _ticks_ms()))


select = module("select", poll=Poll, POLLIN=POLLIN, POLLOUT=POLLOUT, POLLERR=POLLERR, POLLHUP=POLLHUP)
