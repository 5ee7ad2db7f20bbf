"""A pytest plugin: says at the end what tests have counted, with `counted` of `record_property`."""

from collections.abc import Callable

import pytest

COUNTED = "counted"
Record = Callable[[str, object], None]  # what the fixture record_property is


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    said = [
        f"{report.nodeid.rpartition('::')[2]}: {value}"
        for report in terminalreporter.getreports("passed")
        for name, value in report.user_properties
        if name == COUNTED and report.when == "call"
    ]
    if said:
        terminalreporter.section("counts")
        for line in sorted(said):
            terminalreporter.write_line(line)
