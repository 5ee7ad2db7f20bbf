"""What an installation came to, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterator

from provisioning.application import Application
from provisioning.greeting import Greeting, Reading
from provisioning.install import InstallFailed, Outcome

_DIGEST_SHOWN = 12  # hex digits that tell two applications apart


def lines(outcome: Outcome, application: Application) -> Iterator[str]:
    """The lines for people; the last is the next step."""
    yield from _installed(outcome, application)
    if outcome.greeting is None:
        yield "the link is on a UART of its own: this port shows only the console"
        yield "next step: connect that UART to the gateway, then: fieldgate status"
        return
    yield from _node(outcome.greeting)
    yield f"next step: {_next_step(outcome.greeting)}"


def document(outcome: Outcome, application: Application, port: str) -> dict[str, object]:
    """The object for programs."""
    found: dict[str, object] = {
        "ok": True,
        "port": port,
        "application": application.digest,
        "written": sorted((*outcome.plan.move, "/main.py")) if outcome.plan.copy else [],
        "removed": list(outcome.plan.remove),
        "kept": list(outcome.plan.keep),
        "settings_written": outcome.settings_written,
        "micropython": ".".join(map(str, outcome.state.version)),
        "board": outcome.state.board,
        "node": None,
    }
    greeting = outcome.greeting
    if greeting:
        node = greeting.node
        found["node"] = {
            "uid": greeting.uid,
            "boot": greeting.boot,
            "boot_count": greeting.boot_count,
            "firmware": greeting.firmware,
            "reset": greeting.reset,
            "name": node.name if node else None,
            "site": node.site if node else None,
            "sensors": node.sensors if node else None,
            "readings": [_reading(reading) for reading in greeting.readings.values()],
            "complaints": greeting.complaints,
        }
    return found


def failure_document(failed: InstallFailed, port: str) -> dict[str, object]:
    """The object for programs when it failed."""
    return {
        "ok": False,
        "port": port,
        "step": failed.step,
        "reason": failed.explanation.reason,
        "error": failed.explanation.message,
        "board_state": failed.board,
        "next_step": failed.explanation.next_step,
    }


def _reading(reading: Reading) -> dict[str, object]:
    value = None if reading.value is None else float(reading.value)
    return {"channel": reading.channel, "value": value, "unit": reading.unit, "fault": reading.fault}


def _installed(outcome: Outcome, application: Application) -> Iterator[str]:
    digest = application.digest[:_DIGEST_SHOWN]
    if outcome.plan.copy:
        yield (
            f"application {digest}: {len(outcome.plan.move) + 1} files written, "
            f"{len(outcome.plan.keep)} were right already, {len(outcome.plan.remove)} removed"
        )
    else:
        yield f"application {digest}: was there already, all {len(outcome.plan.keep)} files are right"
    yield "settings   written" if outcome.settings_written else "settings   left as they were"


def _node(greeting: Greeting) -> Iterator[str]:
    yield f"node       {greeting.uid}"
    yield f"firmware   {greeting.firmware}"
    yield f"boot       {greeting.boot_count}, reset {greeting.reset}"
    node = greeting.node
    if node is None:
        yield "it has not said what it measures"
    else:
        yield f"name       {node.name or '(none: --name gives one)'}"
        if node.site:
            yield f"site       {node.site}"
        yield f"sensors    {', '.join(node.sensors) or 'none'}"
        width = max((len(channel.name) for channel in node.measured), default=0)
        for channel in node.measured:
            yield f"  {channel.name:{width}}  {_value(greeting.readings.get(channel.name))}"
    for complaint in greeting.complaints:
        yield f"it complains: {complaint}"


def _value(reading: Reading | None) -> str:
    if reading is None:
        return "(nothing yet)"
    if reading.value is None:
        return f"no value: {reading.fault}"
    return f"{reading.value} {reading.unit}".rstrip()


def _next_step(greeting: Greeting) -> str:
    without = [reading.channel for reading in greeting.readings.values() if reading.value is None]
    if greeting.complaints:
        return "correct what it complains about, then run the command again"
    if without:
        return f"look at the wiring of {', '.join(without)} (docs/technician.md, section 5)"
    return "plug it into the gateway, then: fieldgate status"
