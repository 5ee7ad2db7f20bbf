"""The processor's end of the link to its surroundings: ask, tell, and take what comes unasked.

Interrupts need no signal: they are messages, taken when the program sleeps, polls or asks. An
exception is raised only between two messages, so the link never loses its step.
"""

import json
import os
import select
import struct

from codes import ASK, DATA, EXECUTE, INTERRUPT, INTERRUPTED, PIN_EDGE, TIMER, VALUE

_HEAD = "<BBHi"
_HEAD_OCTETS = 8
_TOLD_OCTETS = 256  # told, not yet written; a whole number of heads

_socket = None
_poller = None
_told = bytearray(_TOLD_OCTETS)
_told_used = 0
_head = bytearray(_HEAD_OCTETS)
_scratch = bytearray(_HEAD_OCTETS)
_interrupted = False
_edges = []  # keys of handlers
_handling = False

handlers = {}  # pin number, or 256 + timer -> callable without arguments
work = []  # (interactive, source) to execute


def connect(fd):
    global _socket, _poller
    _socket = open(fd, "r+b")
    _poller = select.poll()
    _poller.register(_socket, select.POLLIN)


def socket():
    return _socket


def tell(code, small=0, middle=0, value=0):
    """Say something that needs no answer; goes out with the next ask, sleep or poll at the latest."""
    global _told_used
    if _told_used == _TOLD_OCTETS:
        flush()
    struct.pack_into(_HEAD, _told, _told_used, code, small, middle, value)
    _told_used += _HEAD_OCTETS


def tell_octets(code, small, octets):
    tell(code, small, 0, len(octets))
    flush()
    _socket.write(octets)


def flush():
    global _told_used
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
    while not _take():
        pass
    fault = _head[1]
    if _head[0] == DATA:
        answer = into
        count = struct.unpack_from("<i", _head, 4)[0]
        if into is None:
            answer = bytearray(count)
        if count:
            _read(answer)
    else:
        answer = (
            struct.unpack_from("<i", _head, 4)[0] if _head[7] else _head[4] | _head[5] << 8 | _head[6] << 16
        )
    attend()
    if fault:
        raise OSError(fault)
    return answer


def query(name, *arguments):
    """One of the rare questions, in JSON."""
    octets = json.dumps((name,) + arguments).encode()
    fault, answer = json.loads(ask(ASK, value=len(octets), octets=octets))
    if fault:
        raise OSError(fault)
    return answer


def wait(timeout_ms):
    """Let time pass until something comes unasked, or the timeout (-1: for ever)."""
    flush()
    for _ in _poller.ipoll(timeout_ms):
        _take()
    attend()


def attend():
    """Run what interrupts asked for. Raises KeyboardInterrupt."""
    global _interrupted, _handling
    if _interrupted:
        _interrupted = False
        raise KeyboardInterrupt
    if _edges and not _handling:
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
    global _interrupted
    _read(_head)
    code = _head[0]
    if code == VALUE or code == DATA:
        return True
    if code == INTERRUPT:
        _interrupted = True
        struct.pack_into(_HEAD, _scratch, 0, INTERRUPTED, 0, 0, 0)
        _socket.write(_scratch)
    elif code == PIN_EDGE:
        _edges.append(_head[1])
    elif code == TIMER:
        _edges.append(256 + _head[1])
    elif code == EXECUTE:
        single = _head[1]
        source = bytearray(struct.unpack_from("<i", _head, 4)[0])
        _read(source)
        work.append((single, source))
    return False


def _read(buffer):
    if _socket.readinto(buffer) != len(buffer):
        _die()


def _die():
    # The host is gone. An exception could be swallowed; nothing swallows this.
    os.system("kill -9 $PPID")
