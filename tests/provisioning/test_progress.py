import io

from provisioning.progress import BarProgress, LineProgress, SilentProgress, shown_on
from provisioning.step import Step


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_off_a_terminal_there_is_one_plain_line_for_each_step_and_note():
    stream = io.StringIO()
    progress = shown_on(stream)
    progress.begin(Step.COPY, 1000)
    progress.move(500)
    progress.note("a note")
    progress.close()
    assert isinstance(progress, LineProgress)
    assert stream.getvalue() == "copy (1000 octets)\n  a note\n"


def test_on_a_terminal_a_bar_moves_and_goes_away():
    stream = Terminal()
    progress = shown_on(stream)
    assert isinstance(progress, BarProgress)
    progress.begin(Step.COPY, 1000)
    progress.move(1000)
    progress.begin(Step.VERIFY)
    progress.close()
    assert "check the copy\n" in stream.getvalue()
    assert "1.0/1.0 kB" in stream.getvalue()


def test_for_programs_there_is_nothing():
    stream = Terminal()
    progress = shown_on(stream, silent=True)
    progress.begin(Step.COPY, 1000)
    progress.note("a note")
    assert isinstance(progress, SilentProgress)
    assert stream.getvalue() == ""
