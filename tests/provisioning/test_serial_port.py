"""provisioning/serial_port.py: what a close does with the last words."""

import os
import pty
import time
import tty

import pytest

from provisioning.serial_port import LAST_WORDS_S, SerialPort

TRIES = 30  # a close that throws octets away does so about every other time
WORDS = bytes(range(20))


@pytest.fixture
def ends():
    far, near = pty.openpty()
    tty.setraw(near)
    os.set_blocking(far, True)
    yield far, near
    os.close(far)
    os.close(near)


class StuckLine:
    """A port whose other end takes nothing, as behind a pulled flow control line."""

    out_waiting = 7
    is_open = True
    rts = dtr = False

    def __init__(self, fd):
        self._fd = fd

    def fileno(self):
        return self._fd

    def close(self):
        self.is_open = False


def test_what_is_written_last_arrives_though_the_port_is_closed_at_once(ends):
    far, near = ends
    for _ in range(TRIES):
        port = SerialPort.open(os.ttyname(near), lines_high=False)
        with port.within(1.0):
            port.write(WORDS)
        port.close()
        heard = b""
        while len(heard) < len(WORDS):  # the test's own timeout is the limit
            heard += os.read(far, 64)
        assert heard == WORDS


def test_a_line_that_takes_nothing_does_not_hold_the_close(ends):
    line = StuckLine(ends[1])
    began_s = time.monotonic()
    SerialPort(line, "stuck").close()
    assert LAST_WORDS_S <= time.monotonic() - began_s < LAST_WORDS_S + 5
    assert not line.is_open
