"""The REPL's state machine, octet by octet."""

import pytest

from hil_tests.board.repl import PASTE_WINDOW, Repl, needs_more

BANNER = b"BANNER\r\n"
RAW = b"raw REPL; CTRL-B to exit\r\n>"


class Machine:
    """Takes note of what the REPL does; programs run until the test says they are over."""

    def __init__(self) -> None:
        self.said = b""
        self.executed: list[tuple[bytes, bool]] = []
        self.resets = 0

    def say(self, octets: bytes) -> None:
        self.said += octets

    def execute(self, source: bytes, *, interactive: bool) -> None:
        self.executed.append((source, interactive))

    def soft_reset(self) -> None:
        self.resets += 1

    def heard(self) -> bytes:
        said, self.said = self.said, b""
        return said


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def repl(machine: Machine) -> Repl:
    repl = Repl(machine, BANNER)
    repl.greet()
    assert machine.heard() == BANNER + b">>> "
    return repl


def test_a_line_is_echoed_and_executed(repl: Repl, machine: Machine) -> None:
    assert repl.feed(b"1 + 1\rnext") == b"next"
    assert machine.heard() == b"1 + 1\r\n"
    assert machine.executed == [(b"1 + 1\n", True)]
    repl.finished(b"")
    assert machine.heard() == b">>> "


def test_a_block_goes_on_until_an_empty_line(repl: Repl, machine: Machine) -> None:
    repl.feed(b"for i in x:\r  y\r\r")
    assert machine.executed == [(b"for i in x:\n  y\n\n", True)]
    assert machine.heard().count(b"... ") == 2


def test_backspace_and_arrow_keys_leave_no_trace(repl: Repl, machine: Machine) -> None:
    repl.feed(b"ax\x7f\x1b[Ab\x1b[3~\r")
    assert machine.executed == [(b"ab\n", True)]


def test_ctrl_c_clears_what_was_typed(repl: Repl, machine: Machine) -> None:
    repl.feed(b"for x in y:\r  abc\x03\r")
    assert machine.executed == []
    assert machine.heard().endswith(b"\r\n>>> \r\n>>> ")


def test_ctrl_d_resets_only_on_an_empty_line(repl: Repl, machine: Machine) -> None:
    repl.feed(b"x\x04")
    assert machine.resets == 0
    assert repl.feed(b"\x7f\x04rest") == b"rest"
    assert machine.resets == 1


def test_paste_mode_takes_everything_until_ctrl_d(repl: Repl, machine: Machine) -> None:
    repl.feed(b"\x05if a:\r  b\rc\x04")
    assert machine.executed == [(b"if a:\n  b\nc", True)]


def test_raw_repl_is_silent_and_ends_output_with_ctrl_d(repl: Repl, machine: Machine) -> None:
    repl.feed(b"\r\x01")
    assert machine.heard() == b"\r\n>>> \r\n" + RAW
    repl.feed(b"print(1)\x04")
    assert machine.heard() == b"OK"
    assert machine.executed == [(b"print(1)", False)]
    repl.finished(b"Traceback")
    assert machine.heard() == b"\x04Traceback\x04>"
    repl.feed(b"\x02")
    assert machine.heard() == b"\r\n" + BANNER + b">>> "


def test_ctrl_a_shows_the_raw_banner_again_and_ctrl_c_clears(repl: Repl, machine: Machine) -> None:
    repl.feed(b"\x01abc\x01")
    assert machine.heard().count(RAW) == 2
    repl.feed(b"abc\x03x\x04")
    assert machine.executed == [(b"x", False)]


def test_ctrl_d_in_the_raw_repl_resets_and_stays_raw(repl: Repl, machine: Machine) -> None:
    repl.feed(b"\x01")
    machine.heard()
    repl.feed(b"\x04")
    assert machine.heard() == b"OK\r\n"
    assert machine.resets == 1
    assert repl.raw
    repl.greet()
    assert machine.heard() == RAW


def test_raw_paste_grants_a_window_for_each_one_taken(repl: Repl, machine: Machine) -> None:
    repl.feed(b"\x01")
    machine.heard()
    repl.feed(b"\x05A\x01")
    assert machine.heard() == b"R\x01" + bytes((PASTE_WINDOW, 0)) + b"\x01"
    source = b"x" * (2 * PASTE_WINDOW + 5)
    repl.feed(source)
    assert machine.heard() == b"\x01\x01"
    assert repl.feed(b"\x04more") == b"more"
    assert machine.heard() == b"\x04"
    assert machine.executed == [(source, False)]
    repl.finished(b"")
    assert machine.heard() == b"\x04\x04>"


def test_an_unknown_paste_request_is_refused(repl: Repl, machine: Machine) -> None:
    repl.feed(b"\x01")
    machine.heard()
    repl.feed(b"\x05B\x01")
    assert machine.heard() == b"R\x00"
    repl.feed(b"y\x04")
    assert machine.executed == [(b"y", False)]


def test_a_hard_reset_ends_in_the_friendly_repl(repl: Repl, machine: Machine) -> None:
    repl.feed(b"\x01junk")
    repl.power_on()
    machine.heard()
    repl.greet()
    assert machine.heard() == BANNER + b">>> "
    assert not repl.raw


@pytest.mark.parametrize(
    ("lines", "more"),
    [
        ([b"x = 1"], False),
        ([b"def f():"], True),
        ([b"def f():", b"  return 1"], True),
        ([b"def f():", b"  return 1", b""], False),
        ([b"f(1,"], True),
        ([b"f(1,", b"2)"], False),
        ([b"@decorated"], True),
        ([b'"""text'], True),
        ([b"a = \\"], True),
        ([b""], False),
    ],
)
def test_a_statement_goes_on_where_it_must(lines: list[bytes], more: bool) -> None:
    statement = b"".join(line + b"\n" for line in lines)
    assert needs_more(statement, lines[-1]) is more
