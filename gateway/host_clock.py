"""The gateway's own clock: CLOCK_BOOTTIME for measuring, UTC and how far to believe it.

CLOCK_REALTIME minus CLOCK_BOOTTIME changes only when somebody steps the clock: the kernel slews
both alike. So one reading of both, taken while the clock is synchronised, dates the whole boot.
"""

from __future__ import annotations

import ctypes
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

BOOT_ID_PATH = Path("/proc/sys/kernel/random/boot_id")
NS_PER_US = 1000

STA_UNSYNC = 0x0040  # linux/timex.h; not what decides: docs/time.md says why
STA_CLOCKERR = 0x1000  # the clock hardware is broken
STA_NANO = 0x2000  # `offset` is in nanoseconds, else microseconds
# The kernel begins with it, goes back to it when the clock is set, and gets there in nine hours
# without a daemon (NTP_PHASE_LIMIT of kernel/time/ntp.c): below it, a daemon has stated a bound.
MAXERROR_LIMIT_NS = 16_000_000_000

ASSUMED_UNCERTAINTY_NS = 100_000_000  # a host whose daemon hides itself: a public NTP server's worst day
UNTOLD_ERROR_NS = 50_000_000  # systemd-timesyncd tells no error: half of a slow way to its server
LEAST_UNCERTAINTY_NS = 1_000_000  # no daemon knows better across a network it does not control
MAXERROR_PPM = 500  # what the kernel adds to maxerror per second since the daemon last set it
DRIFT_PPM = 100  # what a host's crystal does at worst
UNSYNCHRONISED_NS = 1_000_000_000 * 3600 * 24 * 365 * 100  # nothing is known: a century
NO_EARLIER_NS = 1_767_225_600_000_000_000  # 2026-01-01: this program did not exist before
PAIR_TRIES = 4  # readings of both clocks, of which the tightest counts


@dataclass(frozen=True, slots=True, kw_only=True)
class HostReading:
    """Both clocks at one moment. `uncertainty_ns` bounds the error of `realtime_ns`."""

    boottime_ns: int
    realtime_ns: int
    synchronised: bool
    uncertainty_ns: int
    assumed: bool = False  # synchronised by configuration, not by the kernel's word

    @property
    def offset_ns(self) -> int:
        """UTC minus CLOCK_BOOTTIME."""
        return self.realtime_ns - self.boottime_ns


class Clock(Protocol):
    """What the gateway wants of a clock; tests bring their own."""

    @property
    def boot_id(self) -> str:
        """The kernel's random name of this boot."""
        ...

    def boottime_ns(self) -> int:
        """CLOCK_BOOTTIME: never steps, counts through suspend, starts near 0 at boot."""
        ...

    def reading(self) -> HostReading:
        """Both clocks now and how far the wall clock is to be believed."""
        ...


def boottime_ns() -> int:
    """CLOCK_BOOTTIME now, for what stamps arrivals."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


class KernelTimex(ctypes.Structure):
    """struct timex as the C library's `adjtimex` takes it.

    Every wide field is a C long there, on 32-bit hosts too: a system with 64-bit time reaches its
    wider structure by another symbol, and `adjtimex` stays what it was. Source: linux/timex.h.
    """

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("constant", ctypes.c_long),
        ("precision", ctypes.c_long),
        ("tolerance", ctypes.c_long),
        ("time_sec", ctypes.c_long),
        ("time_usec", ctypes.c_long),
        ("tick", ctypes.c_long),
        ("ppsfreq", ctypes.c_long),
        ("jitter", ctypes.c_long),
        ("shift", ctypes.c_int),
        ("stabil", ctypes.c_long),
        ("jitcnt", ctypes.c_long),
        ("calcnt", ctypes.c_long),
        ("errcnt", ctypes.c_long),
        ("stbcnt", ctypes.c_long),
        ("tai", ctypes.c_int),
        ("reserved", ctypes.c_int * 11),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Discipline:
    """What the kernel says of its wall clock: errors and the remaining correction."""

    synchronised: bool
    offset_ns: int = 0
    maxerror_ns: int = 0
    esterror_ns: int = 0

    def uncertainty_ns(self) -> int:
        """A bound on the wall clock's error; a century when it is not synchronised.

        A daemon that states an error (chrony, ntpd) sets maxerror to a true bound. One that
        states none (esterror 0, systemd-timesyncd) leaves only the age in maxerror, which grows
        by MAXERROR_PPM; the crystal's own drift over that age is what it is worth.
        """
        if not self.synchronised:
            return UNSYNCHRONISED_NS
        if self.esterror_ns:
            bound = self.maxerror_ns
        else:
            bound = UNTOLD_ERROR_NS + self.maxerror_ns * DRIFT_PPM // MAXERROR_PPM
        return max(LEAST_UNCERTAINTY_NS, abs(self.offset_ns) + bound)


@cache
def _adjtimex() -> Callable[..., int] | None:
    """The C library's, looked up once: that takes ten times as long as asking it."""
    return getattr(ctypes.CDLL(None, use_errno=True), "adjtimex", None)


def kernel_discipline() -> Discipline:
    """Ask adjtimex, changing nothing. A kernel that refuses counts as not synchronised."""
    timex = KernelTimex(modes=0)
    adjtimex = _adjtimex()
    if adjtimex is None:
        return Discipline(synchronised=False)
    result = adjtimex(ctypes.byref(timex))
    return discipline_of(timex, result)


def discipline_of(timex: KernelTimex, result: int) -> Discipline:
    """What a filled struct timex and adjtimex's return value say.

    STA_UNSYNC does not decide, nor TIME_ERROR, which only repeats it: a daemon that must not have
    the kernel write the RTC leaves the flag set and states its errors all the same.
    """
    stated = 0 <= timex.maxerror * NS_PER_US < MAXERROR_LIMIT_NS
    if result < 0 or timex.status & STA_CLOCKERR or not stated:
        return Discipline(synchronised=False)
    unit = 1 if timex.status & STA_NANO else NS_PER_US
    return Discipline(
        synchronised=True,
        offset_ns=timex.offset * unit,
        maxerror_ns=timex.maxerror * NS_PER_US,
        esterror_ns=timex.esterror * NS_PER_US,
    )


class HostClock:
    """The clock of this host.

    `assume_synchronised` is for hosts whose kernel flag is of no use (a virtual machine or a
    container whose clock somebody else disciplines): UTC then counts as good to
    ASSUMED_UNCERTAINTY_NS. A time before NO_EARLIER_NS is not believed, whoever vouches for it.
    """

    def __init__(
        self,
        *,
        assume_synchronised: bool = False,
        discipline: Callable[[], Discipline] = kernel_discipline,
        boot_id_path: Path = BOOT_ID_PATH,
    ) -> None:
        self._assume_synchronised = assume_synchronised
        self._discipline = discipline
        self._boot_id = boot_id_path.read_text("ascii").strip()

    @property
    def boot_id(self) -> str:
        """The kernel's random name of this boot."""
        return self._boot_id

    def boottime_ns(self) -> int:
        """CLOCK_BOOTTIME now."""
        return boottime_ns()

    def reading(self) -> HostReading:
        """Both clocks at one moment; the moment is exact to a few microseconds."""
        before = self._discipline()
        _gap_ns, boottime_ns, realtime_ns = min(_pair() for _ in range(PAIR_TRIES))
        # Whoever sets the clock between the two is not taken for right by the one or the other.
        discipline = max(before, self._discipline(), key=Discipline.uncertainty_ns)
        if realtime_ns < NO_EARLIER_NS:
            return HostReading(
                boottime_ns=boottime_ns,
                realtime_ns=realtime_ns,
                synchronised=False,
                uncertainty_ns=UNSYNCHRONISED_NS,
            )
        assumed = self._assume_synchronised and not discipline.synchronised
        return HostReading(
            boottime_ns=boottime_ns,
            realtime_ns=realtime_ns,
            synchronised=discipline.synchronised or assumed,
            uncertainty_ns=ASSUMED_UNCERTAINTY_NS if assumed else discipline.uncertainty_ns(),
            assumed=assumed,
        )


def _pair() -> tuple[int, int, int]:
    """(width of the gap, boottime in its middle, realtime): the narrowest gap is the best pair."""
    before = boottime_ns()
    realtime = time.clock_gettime_ns(time.CLOCK_REALTIME)
    after = boottime_ns()
    return after - before, (before + after) // 2, realtime
