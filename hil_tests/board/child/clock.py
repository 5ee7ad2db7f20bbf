"""`time` as on the ESP32: whole seconds since 2000, and the board's own ticks."""

import time as native

import ticks
import wait
from shim import module

_EPOCH_2000 = 946684800
_SECOND_NS = 1000000000

_rtc_offset_ns = 0


def set_rtc(rtc_offset_ns):
    global _rtc_offset_ns
    _rtc_offset_ns = rtc_offset_ns


def now_ns():
    """Nanoseconds since 2000 as the RTC has it."""
    return ticks.realtime_ns() - _rtc_offset_ns


def offset_for(seconds_2000):
    """The offset that makes the RTC show this now."""
    return ticks.realtime_ns() - seconds_2000 * _SECOND_NS


def time():
    return now_ns() // _SECOND_NS


def gmtime(seconds=None):
    if seconds is None:
        seconds = time()
    return native.gmtime(int(seconds) + _EPOCH_2000)[:8]


def mktime(moment):
    return int(native.mktime(tuple(moment[:8]))) - _EPOCH_2000


module(
    "time",
    native,
    "ticks_add ticks_diff",
    sleep=wait.sleep,
    sleep_ms=wait.sleep_ms,
    sleep_us=wait.sleep_us,
    ticks_ms=ticks.ticks_ms,
    ticks_us=ticks.ticks_us,
    ticks_cpu=ticks.ticks_us,
    time=time,
    time_ns=now_ns,
    gmtime=gmtime,
    localtime=gmtime,
    mktime=mktime,
)
