"""Every way in which an installation fails, as a sentence and the next step (docs/technician.md)."""

from __future__ import annotations

from dataclasses import dataclass

from provisioning.application import NotBuilt
from provisioning.board_link import LinkConfused, NotEntered, ScriptFailed
from provisioning.board_state import Unfit
from provisioning.greeting import NoHello
from provisioning.serial_port import NoAnswer, OpenFault, PortLost, PortUnopened
from provisioning.settings_wish import InvalidSettings
from provisioning.symptoms import Diagnosis, diagnose, shown

AGAIN = "run the same command once more: it carries on where it must"

KNOWN = (
    InvalidSettings,
    LinkConfused,
    NoAnswer,
    NoHello,
    NotBuilt,
    NotEntered,
    PortLost,
    PortUnopened,
    ScriptFailed,
    Unfit,
)

_UNOPENED = {
    OpenFault.ABSENT: Diagnosis(
        message="{path}: there is no such port",
        next_step="plug the board in, then: ls -l /dev/serial/by-id",
    ),
    OpenFault.BUSY: Diagnosis(
        message="{path}: another program has this port, perhaps the gateway",
        next_step="fieldgate status shows whether the gateway has it; then: sudo systemctl stop fieldgate, "
        "install, sudo systemctl start fieldgate. Otherwise: fuser -v {path}",
    ),
    OpenFault.DENIED: Diagnosis(
        message="{path}: you may not open this port",
        next_step="sudo usermod -aG dialout $USER, log in again; or run the command with sudo",
    ),
    OpenFault.FAILED: Diagnosis(
        message="{path}: cannot be opened as a serial port: {detail}",
        next_step="is it a serial port? ls -l /dev/serial/by-id",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """`reason`: a stable word for programs."""

    reason: str
    message: str
    next_step: str


def explain(error: Exception, path: str) -> Explanation:
    """What an exception of KNOWN means to a technician at the port `path`."""
    match error:
        case PortUnopened():
            known = _UNOPENED[error.fault]
            return Explanation(
                reason=f"port_{error.fault}",
                message=known.message.format(path=error.path, detail=error.detail),
                next_step=known.next_step.format(path=error.path),
            )
        case PortLost():
            return Explanation(
                reason="port_lost",
                message=f"{path}: the board is gone: {error.detail}",
                next_step=f"plug it in again (another cable if this repeats), then {AGAIN}",
            )
        case NotEntered():
            found = diagnose(error.heard)
            return Explanation(
                reason="not_entered",
                message=f"{path}: no MicroPython answers here: {found.message}",
                next_step=found.next_step,
            )
        case NoHello():
            return _no_hello(error, path)
        case _:
            return _on_board(error, path)


def _no_hello(error: NoHello, path: str) -> Explanation:
    if error.crash:
        return Explanation(
            reason="crash",
            message=f"{path}: the node crashes at its start: {error.crash}",
            next_step=f"the traceback: mpremote connect {path} cat :/crash.txt ; please report it",
        )
    found = diagnose(error.heard)
    return Explanation(
        reason="no_hello",
        message=f"{path}: the node does not say HELLO: {found.message}",
        next_step=f"press its EN (or RST) button and watch: mpremote connect {path} repl",
    )


def _on_board(error: Exception, path: str) -> Explanation:
    match error:
        case Unfit():
            return Explanation(
                reason="unfit", message=str(error), next_step=error.next_step.replace("PORT", path)
            )
        case InvalidSettings():
            return Explanation(
                reason="settings", message=str(error), next_step="correct it (docs/firmware.md has every key)"
            )
        case NotBuilt():
            return Explanation(
                reason="not_built", message=str(error), next_step="install fieldgate again (docs/install.md)"
            )
        case NoAnswer():
            return Explanation(
                reason="no_answer",
                message=f"{path}: the board stopped answering ({error.after_s:.0f} s)",
                next_step=f"press its EN (or RST) button, then {AGAIN}",
            )
        case ScriptFailed():
            return Explanation(
                reason="board_error",
                message=f"{path}: the board reports {shown(str(error), limit=120)}",
                next_step=f"{AGAIN}; if this repeats, erase the flash and flash MicroPython again",
            )
        case _:
            return Explanation(
                reason="confused",
                message=f"{path}: the board answered something else than expected: "
                f"{shown(str(error), limit=120)}",
                next_step=f"a loose plug or a long cable? Then {AGAIN}",
            )
