"""The processor's end of the link to its surroundings: ask, tell, and take what comes unasked.

Interrupts need no signal: they are messages, taken when the program sleeps, polls or asks. An
exception is raised only between two messages, so the link never loses its step.

What is called for every message has few variables and few arguments in its calls: the frame of a function that
needs more than eleven words, a try: counts three, comes from the heap, and makes the firmware's garbage collections
come sooner than on a board.
"""

import json
import os
import select
import struct

import ahead
import ticks
from codes import (
    ASK,
    DATA,
    EXECUTE,
    HARMLESS_MOST,
    HORIZON,
    INTERRUPT,
    INTERRUPTED,
    NETWORK,
    PASSED,
    PIN_AHEAD,
    PIN_EDGE,
    PIN_HELD,
    TIMER,
    VALUE,
    WAIT,
    WRITE,
)

_HEAD = "<BBHi"
_HEAD_OCTETS = 8
_WAIT_MOST_MS = 200000  # of virtual time at once, so that its microseconds are a small int
_TOLD_OCTETS = 256  # told, not yet written; a whole number of heads

_socket = None
_poller = None
_told = bytearray(_TOLD_OCTETS)
_told_used = 0
_head = bytearray(_HEAD_OCTETS)
_scratch = bytearray(_HEAD_OCTETS)
_horizon_us = 0
_interrupted = False
_edges = []  # keys of handlers
_handling = False

waits = 0  # how often the host was waited for: before, nothing can have come
held_pin = -1  # whose level stays until ticks.held
held_level = 0

network = 0  # as in NETWORK
handlers = {}  # pin number, 256 + timer, or 512 for the network -> callable without arguments
work = []  # (interactive, source) to execute


def connect(fd):
    global _socket, _poller
    _socket = open(fd, "r+b")
    _poller = select.poll()
    _poller.register(_socket, select.POLLIN)
    ticks.sync = wait


def socket():
    return _socket


def tell(code, small=0, middle=0, value=0):
    """Say something that needs no answer; goes out with the next ask, sleep or poll at the latest."""
    global _told_used
    if ahead.data >= 0:
        ahead.end()
    if ticks.local != ticks.told:
        _tell_passed()
    if code > HARMLESS_MOST:
        ticks.free = 0
    if _told_used == _TOLD_OCTETS:
        flush()
    _told[_told_used] = code
    _told[_told_used + 1] = small
    struct.pack_into("<Hi", _told, _told_used + 2, middle, value)
    _told_used += _HEAD_OCTETS


def _tell_passed():
    passed = ticks.local - ticks.told
    ticks.told = ticks.local
    tell(PASSED, 0, 0, passed)


def tell_octets(code, small, octets):
    tell(code, small, 0, len(octets))
    flush()
    _socket.write(octets)


def flush():
    global _told_used
    if ahead.data >= 0:
        ahead.end()
    if _told_used:
        count = _told_used
        _told_used = 0
        _socket.write(_told, count)


def ask(code, small=0, middle=0, value=0, octets=None, into=None):
    """Say something and give the answer: an int, or octets (read into `into` when given).

    Raises OSError as answered, and KeyboardInterrupt after the answer.
    """
    tell(code, small, middle, value)
    flush()
    if octets is not None and value:
        _socket.write(octets)
    return _answer(code, into)


def _answer(code, answer):
    while not _take():
        pass
    fault = _head[1]
    answer = _octets(answer) if _head[0] == DATA else _value()
    if code == WRITE and ticks.virtual and _edges:
        wait(0)  # the clock has to know of the time that it took, before a handler reads it
    else:
        attend()
    if fault:
        raise OSError(fault)
    return answer


def _octets(into):
    if into is None:
        into = bytearray(_value())
    if _value():
        _read(into)
    return into


def _value():
    # Without a heap object for a small one.
    return struct.unpack_from("<i", _head, 4)[0] if _head[7] else _head[4] | _head[5] << 8 | _head[6] << 16


def query(name, *arguments):
    """One of the rare questions, in JSON."""
    octets = json.dumps((name,) + arguments).encode()
    fault, answer = json.loads(ask(ASK, value=len(octets), octets=octets))
    if fault:
        raise OSError(fault)
    return answer


def wait(timeout_ms):
    """Let time pass until something comes unasked, or the timeout (-1: for ever)."""
    global waits
    if ticks.virtual:
        if ahead.data >= 0:
            ahead.end()
        us = min(timeout_ms, _WAIT_MOST_MS) * 1000 if timeout_ms >= 0 else -1
        if 0 <= us < ticks.free - ticks.local:
            ticks.local += us  # nothing can come meanwhile, and what was told says when
            return
        waits += 1
        tell(WAIT, 0, 0, us)
        flush()
        while not _take():
            pass
        ticks.waited(_value(), _horizon_us)
    else:
        flush()
        for _ in _poller.ipoll(timeout_ms):
            _take()
    attend()


def attend():
    """Run what interrupts asked for. Raises KeyboardInterrupt."""
    global _interrupted
    if _interrupted:
        _interrupted = False
        raise KeyboardInterrupt
    if _edges and not _handling:
        _handle()


def _handle():
    global _handling
    _handling = True
    try:
        while _edges:
            handler = handlers.get(_edges.pop(0))
            if handler:
                handler()
    finally:
        _handling = False


def forget_interrupt():
    """The program is over: Ctrl-C has nothing left to stop."""
    global _interrupted
    _interrupted = False


def _take():
    # One message; True when it was an answer.
    global _interrupted, network, _horizon_us
    _read(_head)
    code = _head[0]
    if code == VALUE or code == DATA:
        return True
    if code == INTERRUPT:
        _interrupted = True
        _say_interrupted()
    elif code == PIN_EDGE:
        _edges.append(_head[1])
    elif code == PIN_AHEAD:
        ahead.foreseen = (_head[1], _value())
    elif code == PIN_HELD:
        ticks.held = ticks.local + _value()
    elif code == HORIZON:
        _horizon_us = _value()
    elif code == NETWORK:
        network = _value()
        _edges.append(512)
    elif code == TIMER:
        _edges.append(256 + _head[1])
    elif code == EXECUTE:
        _take_work()
    return False


def _say_interrupted():
    struct.pack_into(_HEAD, _scratch, 0, INTERRUPTED, 0, 0, 0)
    _socket.write(_scratch)


def _take_work():
    single = _head[1]
    source = bytearray(_value())
    _read(source)
    work.append((single, source))


def _read(buffer):
    if _socket.readinto(buffer) != len(buffer):
        _die()


def _die():
    # The host is gone. An exception could be swallowed; nothing swallows this.
    os.system("kill -9 $PPID")
