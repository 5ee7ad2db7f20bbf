import os
import pty
import subprocess
import sys
import termios

import click

from gateway.text_table import section

COLUMNS = ("name", "state", "broker", "backlog", "detail")
REASON = "no_matching_subscribers: fieldgate/north/240ac4000001/load; next step: start the consumer of it"
ROW = ("mqtt", "refused", "mqtt://broker.example:1883", "12", REASON)


def lines(width, row=ROW):
    return [click.unstyle(line) for line in section("sinks", [COLUMNS, row], width=width)][2:]


def test_without_a_width_a_row_is_one_line_however_long_for_programs_that_read_it():
    assert lines(None)[1].endswith(REASON)


def test_on_a_narrower_terminal_the_last_column_goes_on_under_itself():
    shown = lines(100)
    assert shown[0] == "  name  state    broker                      backlog  detail"
    at = shown[0].index("detail")
    assert [line[:at].strip() for line in shown[2:]] == [""] * len(shown[2:])
    assert " ".join(line[at:] for line in shown[1:]) == REASON
    assert max(map(len, shown)) <= 100


def test_on_a_very_narrow_one_each_row_is_a_paragraph_with_the_columns_names():
    assert lines(60) == [
        "  name mqtt  state refused",
        "      broker mqtt://broker.example:1883  backlog 12  detail",
        "      no_matching_subscribers:",
        "      fieldgate/north/240ac4000001/load; next step: start",
        "      the consumer of it",
    ]


def test_a_paragraph_leaves_out_what_is_not_known():
    assert lines(60, (*ROW[:3], "-", "x" * 50))[:2] == [
        "  name mqtt  state refused",
        "      broker mqtt://broker.example:1883  detail",
    ]


def test_a_path_is_never_broken_so_that_it_can_be_copied():
    path = "/dev/serial/by-path/" + "x" * 35
    assert any(path in line for line in lines(40, (path, *ROW[1:])))


def test_what_fits_is_the_same_on_a_terminal_as_elsewhere():
    assert lines(200) == lines(None)


def width_seen_by_a_program(output):
    print_it = (
        "import sys; from gateway.text_table import terminal_width; print(terminal_width(), file=sys.stderr)"
    )
    environ = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    done = subprocess.run(
        [sys.executable, "-c", print_it],
        stdout=output,
        stderr=subprocess.PIPE,
        env=environ,
        check=True,
        timeout=20,
    )
    return done.stderr.strip()


def test_the_width_is_that_of_the_terminal_and_a_pipe_has_none():
    master, terminal = pty.openpty()
    try:
        termios.tcsetwinsize(terminal, (24, 63))
        assert width_seen_by_a_program(terminal) == b"63"
    finally:
        os.close(master)
        os.close(terminal)
    assert width_seen_by_a_program(subprocess.PIPE) == b"None"
