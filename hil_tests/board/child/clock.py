"""`time` as on the ESP32: whole seconds since 2000, ticks_us from power-on and wrapping at 2^30."""

import time as native

import wait
from shim import module

_EPOCH_2000 = 946684800
_TICKS_LIMIT = 1 << 30
_CHUNK_US = 1 << 28  # the longest stretch whose share of drift is worked out at once
_SECOND_NS = 1000000000

_native_us = native.ticks_us
_add = native.ticks_add
_diff = native.ticks_diff
_time_ns = native.time_ns

_base = _native_us()
_offset = 0
_drift = 0  # in 2^-30, so a small int does it
_rtc_offset_ns = 0


def start(at_us, drift_ppm, rtc_offset_ns):
    """`at_us`: what ticks_us shows now. `drift_ppm`: how much too fast the crystal is."""
    global _base, _offset, _drift, _rtc_offset_ns
    _base = _native_us()
    _offset = at_us % _TICKS_LIMIT
    _drift = drift_ppm * 1073741824 // 1000000
    _rtc_offset_ns = rtc_offset_ns


def set_rtc(rtc_offset_ns):
    global _rtc_offset_ns
    _rtc_offset_ns = rtc_offset_ns


def now_ns():
    """Nanoseconds since 2000 as the RTC has it."""
    return _time_ns() - _rtc_offset_ns


def offset_for(seconds_2000):
    """The offset that makes the RTC show this now."""
    return _time_ns() - seconds_2000 * _SECOND_NS


def ticks_us():
    global _base, _offset
    elapsed = _diff(_native_us(), _base)
    if not 0 <= elapsed < _CHUNK_US:
        elapsed &= _TICKS_LIMIT - 1
        _base = _add(_base, elapsed)
        _offset = _add(_add(_offset, elapsed), _share(elapsed))
        elapsed = 0
    if _drift:
        return _add(_add(_offset, elapsed), _share(elapsed))
    return _add(_offset, elapsed)


def _share(elapsed):
    return ((elapsed >> 10) * _drift) >> 20


def time():
    return now_ns() // _SECOND_NS


def gmtime(seconds=None):
    if seconds is None:
        seconds = time()
    return native.gmtime(int(seconds) + _EPOCH_2000)[:8]


def mktime(moment):
    return int(native.mktime(tuple(moment[:8]))) - _EPOCH_2000


def ticks_cpu():
    return ticks_us()


module(
    "time",
    native,
    "ticks_ms ticks_add ticks_diff",
    sleep=wait.sleep,
    sleep_ms=wait.sleep_ms,
    sleep_us=wait.sleep_us,
    ticks_us=ticks_us,
    ticks_cpu=ticks_cpu,
    time=time,
    time_ns=now_ns,
    gmtime=gmtime,
    localtime=gmtime,
    mktime=mktime,
)
