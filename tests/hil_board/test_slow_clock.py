"""The clock that a board has in deep sleep."""

from pathlib import Path

import pytest

from hil_tests.board import Board, VirtualTime


@pytest.mark.parametrize("ppm", [-5_000, 0, 20_000])
def test_the_rtc_goes_on_over_deep_sleep_by_a_slow_clock_that_ends_the_sleep_as_well(
    ppm: int, tmp_path: Path
) -> None:
    main = (
        "import machine, time\nmemory = machine.RTC().memory\n"
        "if machine.reset_cause() == 1:\n    time.sleep(100)\n"
        "    memory(str(time.time_ns() // 1000).encode())\n"
        "    machine.deepsleep(7200000)\n"
        "print('slept', time.time_ns() // 1000 - int(memory()), time.ticks_ms(), 'over')\n"
    )
    clock, said = VirtualTime(seed=1), bytearray()
    board = Board(tmp_path / "board", time=clock)
    board.install({"/main.py": main.encode()})
    board.on_octets(lambda _way, octets, _at_ns: said.extend(octets))
    with board:
        board.set_slow_clock(ppm)
        clock.run_until(lambda: b"over" in said, 8000)
    shown_us, ticks_ms = map(int, said.split()[-3:-1])
    assert shown_us == pytest.approx(7_200_000_000, abs=1000)
    assert ticks_ms < 100
    assert clock.seconds == pytest.approx(100 + 7200 / (1 + ppm / 1e6), abs=0.01)
