"""What the gateway has this node do: COMMAND in, RESULT out. Loaded with the first, let go after the last."""

import asyncio
import errno

from firmware import launch
from firmware.modules import forget
from wire import fields, remote
from wire.compat import const
from wire.errors import WireError

IDLE_MS = const(60000)  # then nothing is repeated any more, and the memory goes back
PIECE_OCTETS = const(512)  # of the settings in one RESULT
SETTINGS_OCTETS = const(0xFFFF)  # an offset is not beyond; settings.py takes less
DRAIN_MS = const(10000)  # a wanted reset waits so long for the gateway to take what is in RAM
DRAIN_STEP_MS = const(100)
LAST_WORDS_MS = const(500)  # for the RESULT to get out; 240 octets at 4800 baud
DIGEST_OCTETS = const(32)  # SHA-256
_MODULES = const(
    (
        "firmware.unpack",
        "firmware.transfer",
        "firmware.orders",
        "firmware.launch",
        "firmware.modules",
        "wire.remote",
    )
)


class Refused(Exception):
    """The node will not; the message says why, for people."""


class Orders:
    """Obeys one order after another; `tell(level, text)` is a line of the log.

    `samplers` can be `parked`, `queue` is firmware.queue's, files are below `root`; `hello.trial` is what
    this boot tries; `sleeper` is firmware.sleeper's, None in a node that never sleeps.
    """

    def __init__(self, root: str, samplers: list, queue, ticks, tell, hello, sleeper) -> None:
        self._hello = hello
        self._sleeper = sleeper
        self._root = root
        self._samplers = samplers
        self._queue = queue
        self._ticks = ticks
        self._tell = tell
        self._latest = None  # the RESULT that a repeated order gets again
        self._used_ms = 0
        self._parked_until_ms = 0  # 0: nothing is parked
        self._ending = None  # the task that resets
        self._transfer = None  # firmware.transfer.Transfer, from a put on

    def answer(self, order):
        """What becomes of a Command or Chunk; nothing is done twice."""
        self._used_ms = self._ticks.now_ms()
        if self._latest is None or self._latest.id != order.id:
            self._latest = remote.Result(order.id, *self._do(order))
        return self._latest

    def look(self) -> bool:
        """End what has a time; False when nobody needs this object any more."""
        now_ms = self._ticks.now_ms()
        if self._parked_until_ms and now_ms >= self._parked_until_ms:
            self._end_maintenance()
        used = now_ms - self._used_ms < IDLE_MS
        if not used:
            self._leave_transfer()
        return used or self._ending is not None or self._parked_until_ms > 0

    def _do(self, order) -> tuple:
        try:
            if order.TYPE == remote.Chunk.TYPE:
                return self._chunk(order)
            if order.operation == "try":
                return self._try(order.arguments)
            known = {
                "settings": self._settings,
                "reset": self._reset,
                "maintenance": self._maintenance,
                "awake": self._awake,
                "put": self._put,
                "trial": self._trial,
            }
            operation = known.get(order.operation)
            return (remote.OK, operation(order.arguments)) if operation else (remote.UNKNOWN, None)
        except (Refused, WireError) as error:
            return remote.REFUSED, fields.cut(str(error))
        except OSError as error:
            return remote.FAILED, "flash: errno " + str(error.errno)
        except MemoryError:
            return remote.FAILED, "not enough memory"
        except Exception as error:  # noqa: BLE001 - whatever it is about, the readings go on
            return remote.FAILED, fields.cut(repr(error))

    def _settings(self, arguments: dict) -> list:
        offset = fields.uint(arguments.get("offset"), "offset", SETTINGS_OCTETS)
        try:
            with open(self._root + "settings.json", "rb") as file:
                size = file.seek(0, 2)
                file.seek(offset)
                return [size, file.read(PIECE_OCTETS)]
        except OSError as error:
            if error.errno != errno.ENOENT:
                raise
            return [0, b""]  # the defaults are in force

    def _reset(self, _arguments: dict) -> None:
        self._park(True)
        self._ending = asyncio.create_task(self._end())

    async def _end(self) -> None:
        await asyncio.sleep_ms(LAST_WORDS_MS)
        for _ in range(DRAIN_MS // DRAIN_STEP_MS):
            if not self._queue.octets:
                break
            await asyncio.sleep_ms(DRAIN_STEP_MS)
        forget(_MODULES[:2])  # the queue needs their memory on its way to flash
        launch.restart(self._queue)

    def _maintenance(self, arguments: dict) -> None:
        seconds = fields.uint(arguments.get("seconds"), "seconds", remote.MAINTENANCE_MOST_S)
        if seconds:
            self._park(True)
            self._parked_until_ms = self._ticks.now_ms() + seconds * 1000
            self._tell("info", "maintenance: sampling is parked for " + str(seconds) + " s")
        elif self._parked_until_ms:
            self._end_maintenance()

    def _awake(self, arguments: dict) -> None:
        seconds = fields.uint(arguments.get("seconds"), "seconds", remote.AWAKE_MOST_S)
        if not self._sleeper:
            raise Refused("it never sleeps: its settings have no sleep")
        self._sleeper.awake(seconds)
        self._tell("info", "awake for " + str(seconds) + " s")

    def _end_maintenance(self) -> None:
        self._parked_until_ms = 0
        self._park(False)
        self._tell("info", "maintenance has ended")

    def _put(self, arguments: dict) -> int:
        # Imported here: most orders need none.
        from firmware.transfer import Transfer  # noqa: PLC0415

        what = fields.text(arguments.get("what"), "what")
        size = fields.uint(arguments.get("size"), "size", fields.SEQ_LIMIT)
        digest = fields.octets(arguments.get("sha256"), "sha256", DIGEST_OCTETS, DIGEST_OCTETS)
        self._leave_transfer()
        self._transfer = Transfer(self._root, what, size, digest)
        return self._transfer.at

    def _try(self, arguments: dict) -> tuple:
        what = fields.text(arguments.get("what"), "what")
        seconds = fields.uint(arguments.get("seconds"), "seconds", remote.TRIAL_MOST_S)
        if seconds < remote.TRIAL_LEAST_S:
            raise Refused("seconds: under " + str(remote.TRIAL_LEAST_S))
        if self._hello.trial:
            raise Refused(self._hello.trial + " are on trial: neither kept yet nor gone back from")
        if self._transfer is None or self._transfer.what != what or not self._transfer.whole:
            raise Refused("there is nothing to try: put it first")
        done = self._transfer.begin_trial(seconds)
        if done is not None:
            return remote.MORE, done
        self._transfer = None
        self._reset(arguments)
        return remote.OK, None

    def _trial(self, arguments: dict) -> list:
        what = fields.text(arguments.get("what"), "what")
        slot = launch.slots(self._root)[0]
        path = {"settings": "settings.json", "application": slot + "/application.json"}.get(what)
        if path is None:
            raise Refused("nothing called " + what + " can be in force")
        try:
            in_force = launch.digest(self._root + path, bytearray(launch.BUFFER_OCTETS))
        except OSError as error:
            if error.errno != errno.ENOENT:
                raise
            in_force = b""  # the defaults
        return [self._hello.trial, in_force]

    def _chunk(self, chunk) -> tuple:
        if self._transfer is None:
            return remote.UNKNOWN, None
        try:
            self._transfer.take(chunk.offset, chunk.octets)
        except Refused:
            self._leave_transfer()
            raise
        return remote.OK if self._transfer.whole else remote.MORE, self._transfer.at

    def _leave_transfer(self) -> None:
        if self._transfer is not None:
            self._transfer.leave()
            self._transfer = None

    def _park(self, parked: bool) -> None:
        for sampler in self._samplers:
            sampler.parked = parked


def leave() -> None:
    """Give this module's memory back, and that of what it brought."""
    forget(_MODULES)
