"""What the board's crystal shows, in microseconds and milliseconds that both wrap at 2^30.

Real: from the PC's clock. Virtual: time passes in waits, as the host says, and a little in each look.
"""

import time as native

LOOK_US = 10  # what a look at the virtual clock takes: who waits by looking gets there
SYNC_US = 10000  # of virtual time, after which the host hears of it
_MASK = (1 << 30) - 1
_CHUNK_US = 1 << 28  # the longest stretch whose share of drift is worked out at once

_native_us = native.ticks_us
_native_ms = native.ticks_ms
_add = native.ticks_add
_diff = native.ticks_diff
_time_ns = native.time_ns

virtual = False
sync = None  # tells the host and lets happen what is due; set by link
local = 0  # microseconds of virtual time since the host was waited for
told = 0  # of these, how many it knows of
free = 0  # of these, how many nothing but this board's own doing happens in
held = 0  # of these, how many a pin's level stays for: link.held_pin

_us = 0  # at _base_us of the PC's clock, or when `local` was 0; and so on
_ms = 0
_rest_us = 0  # of the millisecond that runs
_start_ns = 0  # of the calendar
_base_us = _native_us()
_base_ms = _native_ms()
_drift = 0  # in 2^-30, so a small int does it


def start(config):
    global virtual, _us, _ms, _base_us, _base_ms, _drift, _rest_us, _start_ns
    virtual = config["virtual"]
    _us = config["ticks_us"]
    _ms = config["ticks_ms"]
    _base_us = _native_us()
    _base_ms = _native_ms()
    _drift = config["drift_ppm"] * 1073741824 // 1000000
    _rest_us = config["rest_us"]
    _start_ns = config["realtime_ns"]


def ticks_us():
    global _us, _base_us, local
    if virtual:
        local += LOOK_US
        if local > free and local - told > SYNC_US:
            sync(0)
        return _us + local & _MASK
    elapsed = _diff(_native_us(), _base_us)
    if not 0 <= elapsed < _CHUNK_US:
        elapsed &= _MASK
        _base_us = _add(_base_us, elapsed)
        _us = _us + elapsed + _share(elapsed) & _MASK
        elapsed = 0
    if _drift:
        elapsed += _share(elapsed)
    return _us + elapsed & _MASK


def ticks_ms():
    global local
    if virtual:
        local += LOOK_US
        if local > free and local - told > SYNC_US:
            sync(0)
        return _ms + (_rest_us + local) // 1000 & _MASK
    elapsed = _diff(_native_ms(), _base_ms)
    if _drift:
        elapsed += _share(elapsed)
    return _ms + elapsed & _MASK


def _share(elapsed):
    return ((elapsed >> 10) * _drift) >> 20


def real_ms(ms):
    """How long the PC's clock takes for so many milliseconds of ours, rounded down."""
    return ms - _share(ms) if _drift > 0 else ms


def realtime_ns():
    """The host's calendar."""
    return _start_ns + local * 1000 if virtual else _time_ns()


def work(us):
    """What the board does takes virtual time; real time it takes by itself."""
    global local
    if virtual:
        local += us
        if local > free and local - told > SYNC_US:
            sync(0)


def waited(us, free_us):
    """The host has let so much virtual time pass, and nothing happens in the next `free_us`."""
    global _us, _ms, _rest_us, _start_ns, local, told, free, held
    us += local
    _us = _us + us & _MASK
    _ms = _ms + (_rest_us + us) // 1000 & _MASK
    _rest_us = (_rest_us + us) % 1000
    _start_ns += us * 1000
    local = told = held = 0
    free = free_us
