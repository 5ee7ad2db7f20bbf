"""What can be done with a node over its link, each as a coroutine: (node, errand, request) -> answer."""

from __future__ import annotations

import asyncio
import base64
from typing import TYPE_CHECKING, Any

from gateway.counters import printable
from gateway.errand import ErrandFailed, ErrandFault
from gateway.link_state import LinkState
from gateway.node_secrets import hidden
from gateway.nodes import CONTACT_LATE_S
from gateway.orders import BegunAnew, Unanswered
from gateway.status_text import duration
from wire import remote

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gateway.errand import Errand
    from gateway.nodes import Node
    from gateway.orders import Order

CONTACTS = 2  # of a node that sleeps are waited for: one may be missed
RESTART_S = 60.0  # from a reset to the HELLO of the next boot; 10 s of it the node may empty its queue
SETTINGS_OCTETS = 64 * 1024  # a node takes less
WORDS = 300  # of a node's own, shown
_FAULTS = {
    remote.REFUSED: ErrandFault.REFUSED,
    remote.FAILED: ErrandFault.NODE_FAILED,
    remote.UNKNOWN: ErrandFault.UNKNOWN_OPERATION,
}


def linked(node: Node) -> bool:
    """Whether the node can hear now."""
    return node.line is not None and node.line.state() is LinkState.OPEN


def require_link(node: Node) -> None:
    """Raise ErrandFailed unless the node can hear."""
    if not linked(node):
        if node.sleep is not None:
            raise ErrandFailed(ErrandFault.ASLEEP, f"node {node.name} sleeps")
        state = LinkState.SILENT if node.line is None else node.line.state()
        raise ErrandFailed(ErrandFault.NOT_LINKED, f"node {node.name} is not linked: {state}")


async def obeyed(node: Node, operation: str, **arguments: object) -> object:
    """Have the node do it; what it gives. Raises ErrandFailed, BegunAnew."""
    return value_of(node, await answered(node, lambda id_: remote.Command(id_, operation, arguments)))


async def answered(node: Node, order: Callable[[int], Order]) -> remote.Result:
    """What the node says to an order. Raises ErrandFailed, BegunAnew."""
    try:
        return await node.orders.ask(order)
    except Unanswered:
        if node.sleep is not None:
            message = f"node {node.name} does not answer: it sleeps"
            raise ErrandFailed(ErrandFault.ASLEEP, message) from None
        raise ErrandFailed(ErrandFault.NO_ANSWER, f"node {node.name} does not answer") from None


def value_of(node: Node, result: remote.Result) -> object:
    """The value of a result that is `ok`. Raises ErrandFailed."""
    if result.status == remote.OK:
        return result.value
    fault = _FAULTS.get(result.status, ErrandFault.BAD_ANSWER)
    words = printable(str(result.value).encode(), WORDS) if result.value is not None else "no reason given"
    said = {
        ErrandFault.REFUSED: f"node {node.name} refuses: {words}",
        ErrandFault.NODE_FAILED: f"node {node.name} could not do it: {words}",
        ErrandFault.UNKNOWN_OPERATION: f"node {node.name} does not know this operation",
        ErrandFault.BAD_ANSWER: f"node {node.name} answers {printable(result.status.encode(), WORDS)}",
    }
    raise ErrandFailed(fault, said[fault])


async def settings_show(node: Node, errand: Errand, _request: Mapping[str, Any]) -> object:
    """Its settings.json without what is secret in it; no octets where its defaults are in force."""
    require_link(node)
    octets = await settings_of(node, errand)
    try:
        shown = hidden(octets) if octets else b""
    except ValueError as error:
        message = f"node {node.name}: its settings.json is no JSON, what is secret cannot be told: {error}"
        raise ErrandFailed(ErrandFault.SETTINGS_BROKEN, message) from None
    return {"settings": base64.b64encode(shown).decode()}


async def settings_of(node: Node, errand: Errand) -> bytes:
    """All octets of its settings.json. Raises ErrandFailed, BegunAnew."""
    octets = b""
    while True:
        match await obeyed(node, "settings", offset=len(octets)):
            case [int(size), bytes(piece)] if size <= SETTINGS_OCTETS and (piece or len(octets) >= size):
                octets += piece
            case _:
                raise ErrandFailed(ErrandFault.BAD_ANSWER, f"node {node.name} gives no settings")
        errand.done, errand.total = len(octets), size
        if len(octets) >= size:
            return octets


async def reset(node: Node, errand: Errand, _request: Mapping[str, Any]) -> object:
    """Have it begin anew, and wait for its next HELLO."""
    require_link(node)
    boots = node.orders.boots
    try:
        await obeyed(node, "reset")
    except BegunAnew:
        pass
    else:
        errand.note("it resets, once the gateway has what it holds")
    try:
        async with asyncio.timeout(RESTART_S):
            await node.orders.boot_after(boots)
    except TimeoutError:
        message = f"node {node.name} said nothing for {RESTART_S:.0f} s after its reset"
        raise ErrandFailed(ErrandFault.NO_ANSWER, message) from None
    hello = node.hello
    assert hello is not None  # what begins a boot
    return {"boot": hello.boot, "reset": printable(hello.reset.encode(), WORDS)}


async def maintenance(node: Node, _errand: Errand, request: Mapping[str, Any]) -> object:
    """Park its sampling for some seconds; 0 ends it."""
    require_link(node)
    await obeyed(node, "maintenance", seconds=request.get("seconds"))
    return {"seconds": request.get("seconds")}


async def awake(node: Node, errand: Errand, request: Mapping[str, Any]) -> object:
    """Keep it from sleeping for some seconds, from its next contact on; 0: it may sleep again."""
    seconds = request.get("seconds")
    if node.sleep is None:  # the node says why not
        require_link(node)
        await obeyed(node, "awake", seconds=seconds)
        return {"seconds": seconds}
    limit_s = CONTACTS * (node.sleep.every_s + CONTACT_LATE_S)
    errand.note(f"node {node.name} sleeps: this waits for its next contact, {duration(limit_s)} at most")
    try:
        async with asyncio.timeout(limit_s):
            while not await _kept_awake(node, seconds):
                pass
    except TimeoutError:
        message = f"node {node.name} was not heard for {duration(limit_s)}"
        raise ErrandFailed(ErrandFault.NOT_LINKED, message) from None
    return {"seconds": seconds}


async def _kept_awake(node: Node, seconds: object) -> bool:
    """Wait until it answers something, and ask then; False when it fell asleep over that."""
    await node.orders.contact()
    try:
        await obeyed(node, "awake", seconds=seconds)
    except BegunAnew:
        return False
    except ErrandFailed as failed:
        if failed.fault is ErrandFault.ASLEEP:
            return False
        raise
    return True
