"""gateway/host_clock.py"""

import ctypes
import time

import pytest

from gateway.host_clock import (
    ASSUMED_UNCERTAINTY_NS,
    LEAST_UNCERTAINTY_NS,
    MAXERROR_LIMIT_NS,
    STA_CLOCKERR,
    STA_NANO,
    STA_UNSYNC,
    UNSYNCHRONISED_NS,
    UNTOLD_ERROR_NS,
    Discipline,
    HostClock,
    KernelTimex,
    discipline_of,
    kernel_discipline,
)

MS = 1_000_000
S = 1_000_000_000


@pytest.fixture
def boot_id_path(tmp_path):
    path = tmp_path / "boot_id"
    path.write_text("0b5a3f86-6c1f-4c3e-9a55-1f2f3d4c5b6a\n")
    return path


def test_struct_timex_has_the_layout_of_the_c_library():
    # offsetof from the C headers of x86-64 and of 32-bit ARM
    expected = (208, 40, 72, 160) if ctypes.sizeof(ctypes.c_long) == 8 else (128, 20, 36, 80)
    timex = KernelTimex
    found = (
        ctypes.sizeof(timex),
        timex.status.offset,
        timex.time_sec.offset,
        timex.tai.offset,
    )
    assert found == expected


def test_the_kernel_answers_with_a_discipline_that_has_a_bound():
    discipline = kernel_discipline()
    assert discipline.uncertainty_ns() >= LEAST_UNCERTAINTY_NS


TIME_ERROR = 5  # what adjtimex returns while STA_UNSYNC is set
LIMIT_US = MAXERROR_LIMIT_NS // 1000
KERNELS = {
    "just booted": (KernelTimex(status=STA_UNSYNC, maxerror=LIMIT_US, esterror=LIMIT_US), TIME_ERROR, False),
    "set by hand": (KernelTimex(status=STA_UNSYNC, maxerror=LIMIT_US), TIME_ERROR, False),
    "chrony with rtcsync": (KernelTimex(status=STA_NANO, maxerror=17_000, esterror=300), 0, True),
    "chrony without": (KernelTimex(status=STA_UNSYNC, maxerror=17_000, esterror=300), TIME_ERROR, True),
    "chrony without a source": (
        KernelTimex(status=STA_UNSYNC, maxerror=LIMIT_US, esterror=LIMIT_US),
        TIME_ERROR,
        False,
    ),
    "timesyncd": (KernelTimex(status=STA_NANO, maxerror=500), 0, True),
    "timesyncd with a local RTC": (KernelTimex(status=STA_UNSYNC, maxerror=500), TIME_ERROR, True),
    "no daemon for nine hours": (KernelTimex(status=STA_UNSYNC, maxerror=LIMIT_US), TIME_ERROR, False),
    "just below the limit": (KernelTimex(maxerror=LIMIT_US - 1), 0, True),
    "broken hardware": (KernelTimex(status=STA_CLOCKERR, maxerror=500), TIME_ERROR, False),
    "refused": (KernelTimex(maxerror=500), -1, False),
}


@pytest.mark.parametrize("name", KERNELS)
def test_a_stated_bound_decides_whether_the_clock_is_synchronised(name):
    timex, result, synchronised = KERNELS[name]
    assert discipline_of(timex, result).synchronised is synchronised


def test_errors_are_microseconds_and_the_offset_follows_sta_nano():
    in_us = discipline_of(KernelTimex(status=0, offset=-7, maxerror=20, esterror=3), 0)
    in_ns = discipline_of(KernelTimex(status=STA_NANO, offset=-7, maxerror=20, esterror=3), 0)
    assert (in_us.offset_ns, in_us.maxerror_ns, in_us.esterror_ns) == (-7000, 20_000, 3000)
    assert in_ns.offset_ns == -7


def test_a_stated_error_counts_with_the_correction_still_to_come():
    chrony = Discipline(synchronised=True, offset_ns=-2 * MS, maxerror_ns=30 * MS, esterror_ns=1 * MS)
    assert chrony.uncertainty_ns() == 32 * MS


def test_a_daemon_that_states_no_error_is_given_one_that_grows_with_its_silence():
    fresh = Discipline(synchronised=True)
    after_1000_s = Discipline(synchronised=True, maxerror_ns=500 * MS)
    assert fresh.uncertainty_ns() == UNTOLD_ERROR_NS
    assert after_1000_s.uncertainty_ns() == UNTOLD_ERROR_NS + 100 * MS


def test_no_daemon_is_believed_below_a_millisecond():
    boast = Discipline(synchronised=True, maxerror_ns=1000, esterror_ns=1000)
    assert boast.uncertainty_ns() == LEAST_UNCERTAINTY_NS


def test_a_clock_that_nobody_vouches_for_has_no_useful_bound(boot_id_path):
    clock = HostClock(discipline=lambda: Discipline(synchronised=False), boot_id_path=boot_id_path)
    reading = clock.reading()
    assert not reading.synchronised
    assert reading.uncertainty_ns == UNSYNCHRONISED_NS


def test_a_host_can_be_taken_for_synchronised_at_a_stated_price(boot_id_path):
    clock = HostClock(
        assume_synchronised=True,
        discipline=lambda: Discipline(synchronised=False),
        boot_id_path=boot_id_path,
    )
    reading = clock.reading()
    assert reading.synchronised
    assert reading.assumed
    assert reading.uncertainty_ns == ASSUMED_UNCERTAINTY_NS


def test_what_the_kernel_knows_better_wins_over_the_assumption(boot_id_path):
    stated = Discipline(synchronised=True, maxerror_ns=5 * MS, esterror_ns=1 * MS)
    clock = HostClock(assume_synchronised=True, discipline=lambda: stated, boot_id_path=boot_id_path)
    assert clock.reading().uncertainty_ns == 5 * MS


def test_a_reading_holds_both_clocks_of_one_moment():
    clock = HostClock()
    before = (clock.boottime_ns(), time.time_ns())
    reading = clock.reading()
    after = (clock.boottime_ns(), time.time_ns())
    assert before[0] <= reading.boottime_ns <= after[0]
    assert before[1] <= reading.realtime_ns <= after[1]
    assert reading.offset_ns == reading.realtime_ns - reading.boottime_ns


def test_boot_id_is_the_kernels(boot_id_path):
    assert HostClock(boot_id_path=boot_id_path).boot_id == "0b5a3f86-6c1f-4c3e-9a55-1f2f3d4c5b6a"
    assert len(HostClock().boot_id) == 36


def test_a_clock_that_is_set_while_it_is_read_is_not_believed(boot_id_path):
    said = [Discipline(synchronised=True, esterror_ns=1, maxerror_ns=MS), Discipline(synchronised=False)]
    for order in (said, said[::-1]):
        answers = iter(order)
        clock = HostClock(discipline=lambda answers=answers: next(answers), boot_id_path=boot_id_path)
        assert not clock.reading().synchronised


@pytest.mark.parametrize("assumed", [False, True])
def test_a_time_before_this_program_was_is_believed_of_nobody(boot_id_path, monkeypatch, assumed):
    real = time.clock_gettime_ns
    monkeypatch.setattr(
        time, "clock_gettime_ns", lambda clock: 5 * S if clock == time.CLOCK_REALTIME else real(clock)
    )
    stated = Discipline(synchronised=True, maxerror_ns=MS, esterror_ns=MS)
    clock = HostClock(assume_synchronised=assumed, discipline=lambda: stated, boot_id_path=boot_id_path)
    reading = clock.reading()
    assert reading.realtime_ns == 5 * S
    assert not reading.synchronised
    assert reading.uncertainty_ns == UNSYNCHRONISED_NS
