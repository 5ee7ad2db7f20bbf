"""Puts the application on a board such that a power cut leaves it with the old or the new one.

The order, and why it is safe at every point:
1. Everything new is written below /next and read back by the board. Nothing old is touched.
2. One rename puts the switch (board_scripts.SWITCH) in the place of /main.py. Before it the board
   starts the old application; after it, each start carries on with the plan that stands in /next.
3. The plan moves file by file by rename, then removes what the new application does not have, for a
   stale .py would be taken in place of the new .mpy beside it. Each step may be repeated.
4. The last rename replaces the switch by the new /main.py.
5. New settings are read by the new firmware first; they replace the old ones by one rename.
What an interrupted installation has left is finished (after 2) or removed (before) by the next one.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass

from provisioning import board_scripts, board_state, plan
from provisioning.application import Application, sha256
from provisioning.board_link import BoardLink, LinkConfused, Rung
from provisioning.board_state import SETTINGS, BoardState
from provisioning.explain import KNOWN, Explanation, explain
from provisioning.greeting import Greeting, greet
from provisioning.plan import Plan
from provisioning.serial_port import OpenFault, PortLost, PortUnopened, SerialPort
from provisioning.settings_wish import InvalidSettings, SettingsWish, link_via
from provisioning.step import Progress, Step

REOPEN_S = 10.0  # a board with USB of its own leaves the bus with a reset and comes back
REOPEN_EVERY_S = 0.3
_STAGED_SETTINGS = board_scripts.NEXT + SETTINGS


class InstallFailed(Exception):
    """The installation ended early. `board`: what is on it now."""

    def __init__(self, step: Step, explanation: Explanation, board: str) -> None:
        super().__init__(explanation.message)
        self.step = step
        self.explanation = explanation
        self.board = board


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """`greeting` is None where the link is on a UART of its own, where this port does not hear it."""

    state: BoardState
    plan: Plan
    settings_written: bool
    greeting: Greeting | None


class Installation:
    """One run of the steps on one port. Used once."""

    def __init__(self, path: str, application: Application, wish: SettingsWish, progress: Progress) -> None:
        self._path = path
        self._application = application
        self._wish = wish
        self._progress = progress
        self._step = Step.OPEN
        self._board = ""  # what is on the board, in words, once it may have changed

    def run(self) -> Outcome:
        """Install and meet the node. Raises InstallFailed."""
        try:
            return self._run()
        except KNOWN as error:
            raise InstallFailed(self._step, explain(error, self._path), self._board) from error
        except KeyboardInterrupt:
            stopped = Explanation(
                reason="stopped", message="stopped by Ctrl-C", next_step="run the command again when you like"
            )
            raise InstallFailed(self._step, stopped, self._board) from None

    def _run(self) -> Outcome:
        self._begin(Step.OPEN)
        port = SerialPort.open(self._path, lines_high=True)
        with contextlib.closing(port):
            link = BoardLink(port)
            self._begin(Step.ENTER)
            rung = link.enter()
            if rung is not Rung.INTERRUPT:
                self._progress.note(f"it took {rung}")
            try:
                state, done, settings, written = self._install(link)
            except BaseException:
                self._leave(link)
                raise
            self._begin(Step.RESTART)
            link.restart()
        greeting = None
        if link_via(settings) == "console":
            greeting = self._meet()
        return Outcome(state=state, plan=done, settings_written=written, greeting=greeting)

    def _install(self, link: BoardLink) -> tuple[BoardState, Plan, bytes | None, bool]:
        self._board = "its application is what it was"
        state = self._inspect(link)
        present = link.read_file(SETTINGS) if SETTINGS in state.files else None
        settings = self._wish.resolve(present)
        if settings == present:
            settings = None
        todo = plan.make(self._application, state.slot, state.files)
        space = board_state.clear(link)
        plan.require_space(todo, settings, space)
        self._copy(link, todo, settings)
        if todo.copy:
            self._switch(link)
        self._settle(
            link, state.slot, settings if settings is not None else present, staged=settings is not None
        )
        return state, todo, settings if settings is not None else present, settings is not None

    def _inspect(self, link: BoardLink) -> BoardState:
        self._begin(Step.INSPECT)
        state = board_state.inspect(link)
        if state.switching:
            self._progress.note("an installation that was cut short is finished first")
            link.run(board_scripts.FINISH, slow=True)
            state = board_state.inspect(link)
        self._progress.note(f"{state.board}, {state.name} {'.'.join(map(str, state.version))}")
        board_state.require_fit(state)
        return state

    def _copy(self, link: BoardLink, todo: Plan, settings: bytes | None) -> None:
        files = dict(todo.copy)
        if settings is not None:
            files[_STAGED_SETTINGS] = settings
        if todo.keep:
            self._progress.note(f"{len(todo.keep)} files are right already")
        if not files:
            return
        self._begin(Step.COPY, sum(map(len, files.values())))
        for folder in todo.folders or (board_scripts.NEXT,):
            link.make_folder(folder)
        for path, octets in files.items():
            link.write_file(path, octets, self._progress.move)
        self._begin(Step.VERIFY)
        if link.ask(board_scripts.DIGESTS, slow=True) != {p: sha256(o) for p, o in files.items()}:
            raise LinkConfused("a file on its flash is not what was sent")

    def _switch(self, link: BoardLink) -> None:
        self._begin(Step.SWITCH)
        self._board = "at its next start it finishes the new application by itself"
        link.run(board_scripts.COMMIT)
        link.run(board_scripts.FINISH, slow=True)
        self._board = "it has the new application, and its settings as they were"

    def _settle(self, link: BoardLink, slot: str, settings: bytes | None, *, staged: bool) -> None:
        """Let the new firmware read the settings; put staged ones in place."""
        self._begin(Step.SETTINGS)
        if settings is not None:
            path = _STAGED_SETTINGS if staged else SETTINGS
            problem = link.ask(board_scripts.CHECK_SETTINGS % (slot, path), slow=True)
            if problem:
                source = self._wish.source if staged else "/settings.json on the board"
                raise InvalidSettings(f"{source or 'the settings'}: {problem}")
        if staged:
            link.run(board_scripts.RENAME % (_STAGED_SETTINGS, SETTINGS))
        link.run(board_scripts.START_AFRESH)
        self._board = "it has the new application and settings"
        board_state.clear(link)

    def _meet(self) -> Greeting:
        self._begin(Step.HELLO)
        until_s = time.monotonic() + REOPEN_S
        while True:
            try:
                with contextlib.closing(self._reopen(until_s)) as port:
                    return greet(port, lambda _: self._begin(Step.READINGS))
            except PortLost:
                if time.monotonic() > until_s:
                    raise

    def _reopen(self, until_s: float) -> SerialPort:
        while True:
            try:
                return SerialPort.open(self._path, lines_high=False)
            except PortUnopened as unopened:
                if unopened.fault is OpenFault.BUSY or time.monotonic() > until_s:
                    raise
            time.sleep(REOPEN_EVERY_S)

    def _leave(self, link: BoardLink) -> None:
        """Whatever happened: the board must not stand still at its prompt."""
        try:
            link.restart()
        except KNOWN:
            self._board += "; it may stand still: press its EN (or RST) button"

    def _begin(self, step: Step, octets: int = 0) -> None:
        self._step = step
        self._progress.begin(step, octets)
