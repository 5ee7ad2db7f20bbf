"""What the firmware writes to the console and to UARTs, and when it may go on."""

from __future__ import annotations

from hil_tests.board.child import codes
from hil_tests.board.console import Console
from hil_tests.board.host import Host
from hil_tests.board.processor import Processor
from hil_tests.board.uarts import Uarts

_FIFO_OCTETS = 128
_BITS_PER_OCTET = 10  # with start and stop
_CONSOLE = 0


class Output:
    """The processor is answered when its octets are gone: at `console_baud`, or at once without one."""

    def __init__(self, host: Host, console: Console, uarts: Uarts, console_baud: int | None) -> None:
        self._host = host
        self._console = console
        self._uarts = uarts
        self._baud = console_baud
        self._sending_until = 0.0

    def write(self, processor: Processor, number: int, octets: bytes) -> None:
        """0 is the console; a UART without a cable loses everything."""
        line = self._console.line if number == _CONSOLE else self._uarts.lines.get(number)
        wait_s = 0.0
        if number == _CONSOLE:
            processor.drain_text()
            self._console.say(octets)
            wait_s = self._wait_s(len(octets))
        elif line is not None:
            line.write(octets)

        def answer() -> None:
            if line is None:
                processor.send(codes.VALUE)
            else:
                line.when_free(lambda: processor.send(codes.VALUE))

        if wait_s > 0:
            self._host.after(wait_s, answer)
        else:
            answer()

    def _wait_s(self, octets: int) -> float:
        # The ESP32 waits until all but a FIFO of what it writes is on the wire.
        if self._baud is None:
            return 0.0
        now = self._host.monotonic_us() / 1e6
        self._sending_until = max(now, self._sending_until) + octets * _BITS_PER_OCTET / self._baud
        return self._sending_until - now - _FIFO_OCTETS * _BITS_PER_OCTET / self._baud
