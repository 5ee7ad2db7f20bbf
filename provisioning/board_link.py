"""The way into a board: MicroPython's raw REPL, spoken by mpremote, over a port whose waits end."""

from __future__ import annotations

import ast
import contextlib
import io
import os
import struct
import time
from collections.abc import Callable, Iterator
from enum import StrEnum

from mpremote.transport import TransportError, TransportExecError
from mpremote.transport_serial import SerialTransport

from provisioning.serial_port import NoAnswer, SerialPort

INTERRUPT_S = 1.5  # from Ctrl-C to the prompt
INTERRUPTS = 3  # a board that the opened port has reset is deaf for the first
SOFT_RESET_S = 5.0  # boot.py runs in it
ANSWER_S = 10.0  # of one short script; erasing flash sectors takes most of it
SLOW_S = 30.0  # of a script that reads the whole application or moves it
BOOT_S = 1.0  # from the end of a reset pulse until MicroPython listens


class Rung(StrEnum):
    """What it took to get in, the gentlest first."""

    INTERRUPT = "Ctrl-C"
    RESET_LINE = "a reset by the RTS line, then Ctrl-C"


class NotEntered(Exception):
    """No rung of the ladder led into the REPL. `heard` is the newest of what came."""

    def __init__(self, heard: bytes) -> None:
        super().__init__(f"no REPL; heard {heard[-64:].hex()}")
        self.heard = heard


class ScriptFailed(Exception):
    """MicroPython raised an exception in a script of ours: the last line of its traceback."""

    def __init__(self, traceback: str) -> None:
        lines = traceback.strip().splitlines() or ["no traceback"]
        super().__init__(lines[-1])
        self.traceback = traceback


class LinkConfused(Exception):
    """The board answered otherwise than a raw REPL does."""


class _Transport(SerialTransport):  # type: ignore[misc] # mpremote carries no types
    """mpremote's protocol on our port; its own constructor would open one whose reads never end."""

    def __init__(self, port: SerialPort) -> None:
        self.serial = port
        self.device_name = port.path
        self.in_raw_repl = False
        self.use_raw_paste = True
        self.mounted = False
        self.is_pty = True  # read and wait, where mpremote would else look every 10 ms


class BoardLink:
    """A board in its raw REPL. Raises what the port does, and the errors above."""

    def __init__(self, port: SerialPort) -> None:
        self._port = port
        self._transport = _Transport(port)

    def enter(self) -> Rung:
        """Interrupt what runs and get a prompt; the rung of the ladder that did it. Raises NotEntered.

        A soft reset then gives the scripts all of the memory and none of the node's modules; a board
        on which it fails is used without.
        """
        rung = self._interrupt()
        if not self._prompt(soft_reset=True, seconds=SOFT_RESET_S):
            self._interrupt()
        return rung

    def run(self, script: str, *, slow: bool = False) -> str:
        """Let the board run `script`; give what it printed. `slow`: it has SLOW_S, not ANSWER_S."""
        with self._translated(), self._port.within(SLOW_S if slow else ANSWER_S):
            printed: bytes = self._transport.exec(script)
        return printed.decode(errors="replace")

    def ask(self, script: str, *, slow: bool = False) -> object:
        """As `run`, for a script that prints one literal; give its value."""
        printed = self.run(script, slow=slow)
        try:
            return ast.literal_eval(printed.strip())
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            raise LinkConfused(f"answered {printed.strip()[:80]!r}") from None

    def make_folder(self, path: str) -> None:
        """Make one folder."""
        self.run(f"import os\nos.mkdir({path!r})")

    def write_file(self, path: str, octets: bytes, on_written: Callable[[int], None]) -> None:
        """Write a whole file; `on_written` is told how many octets each piece had."""
        done = 0

        def moved(total: int, _size: int) -> None:
            nonlocal done
            self._port.extend(ANSWER_S)
            on_written(total - done)
            done = total

        with self._translated(), self._port.within(ANSWER_S):
            self._transport.fs_writefile(path, octets, progress_callback=moved)

    def read_file(self, path: str) -> bytes:
        """The content of one short file."""
        with self._translated(), self._port.within(ANSWER_S):
            return bytes(self._transport.fs_readfile(path))

    def restart(self) -> None:
        """Reset the board as by power-on; it is on its way when this returns."""
        with self._translated(), self._port.within(ANSWER_S):
            self._transport.exec_raw_no_follow(_RESTART)

    def _interrupt(self) -> Rung:
        for rung in Rung:
            if rung is Rung.RESET_LINE and not self._reset_by_line():
                break
            for _ in range(INTERRUPTS):
                if self._prompt(soft_reset=False, seconds=INTERRUPT_S):
                    return rung
        raise NotEntered(self._port.heard)

    def _prompt(self, *, soft_reset: bool, seconds: float) -> bool:
        mute = contextlib.redirect_stdout(io.StringIO())  # mpremote prints what it does not understand
        try:
            with mute, self._port.within(seconds):
                self._transport.enter_raw_repl(soft_reset=soft_reset, timeout_overall=seconds)
        except (NoAnswer, TransportError):
            return False
        return True

    def _reset_by_line(self) -> bool:
        if not self._port.pulse_reset():
            return False
        time.sleep(BOOT_S)
        return True

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except TransportExecError as error:
            raise ScriptFailed(str(error.error_output)) from None
        except OSError as error:  # mpremote makes one of a traceback; its text is the file's name
            raise ScriptFailed(f"{os.strerror(error.errno or 0)}: {error.strerror}") from None
        except (TransportError, struct.error, UnicodeError, ValueError, SyntaxError) as error:
            raise LinkConfused(str(error)) from None


# The pause lets the answer to the command out before the board is gone.
_RESTART = "import machine, time\ntime.sleep_ms(100)\nmachine.reset()"
