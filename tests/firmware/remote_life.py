"""A board in virtual time, and somebody at its gateway who has it do things."""

import hashlib
from contextlib import suppress

from tests.firmware.launched import Life
from wire import remote

ANSWER_S = 10
TRIES = 3


class RemoteLife(Life):
    """Orders to one board; ids rise."""

    piece = 60  # octets of a chunk
    _id = 0

    def ask(self, operation, **arguments):
        """The status and value of the RESULT of a COMMAND."""
        return self.answer(lambda id_: remote.Command(id_, operation, arguments))

    def answer(self, order):
        """The status and value of the RESULT; as a gateway does, it says again what nobody answers."""
        self._id += 1
        for _ in range(TRIES):
            self.gateway.send(order(self._id))
            with suppress(TimeoutError):
                self.time.run_until(self._answered, ANSWER_S)
                break
        assert self._answered(), f"no answer to order {self._id}"
        result = self.gateway.results[-1]
        return result.status, result.value

    def _answered(self):
        return self.gateway.results and self.gateway.results[-1].id == self._id

    def put(self, what, octets, most=None):
        """Put it whole, or up to the offset `most`; the last answer."""
        digest = hashlib.sha256(octets).digest()
        status, at = self.ask("put", what=what, size=len(octets), sha256=digest)
        while (status, at) != ("ok", len(octets)) and status in ("ok", "more"):
            if most is not None and at >= most:
                break
            piece = octets[at : at + self.piece]
            status, at = self.answer(lambda id_, at=at, piece=piece: remote.Chunk(id_, at, piece))
        return status, at

    def try_out(self, what, octets, seconds=300):
        """Put it, and have the next start try it."""
        assert self.put(what, octets) == ("ok", len(octets))
        boots = self.boots
        while (answer := self.ask("try", what=what, seconds=seconds))[0] == "more":
            pass
        assert answer == ("ok", None)
        self.time.run_until(lambda: self.boots > boots, 30)

    def record_trial(self, what, octets):
        """Have the flash recorded from a fresh start until what is put is in force; switched off then."""
        self.board.kill()
        self.board.record_flash()
        self.board.start()
        self.until_hello(2)
        self.try_out(what, octets)
        self.until_hello(3)
        self.time.run_for(20)
        self.board.kill()
        return self.board.flash_recording

    @property
    def boots(self):
        return sum(self.starts.values())

    def until_hello(self, count, seconds=1000):
        """The last HELLO, once so many boots have said one."""
        self.time.run_until(lambda: len({hello.boot for hello in self.gateway.hellos}) >= count, seconds)
        return self.gateway.hellos[-1]
