"""A file into a node, chunk by chunk, and on trial there: it goes on where it was after a cut or a reset."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from typing import TYPE_CHECKING, Any

from gateway.errand import ErrandFailed, ErrandFault
from gateway.node_secrets import kept
from gateway.orders import BegunAnew
from gateway.package import Damaged, read
from gateway.remote_node import (
    RESTART_S,
    answered,
    linked,
    obeyed,
    require_link,
    settings_of,
    value_of,
)
from wire import cbor, remote
from wire.framing import ESCAPES_DOWN, FRAME_LIMIT_DOWN, stuff

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.errand import Errand
    from gateway.nodes import Node

SETTINGS = "settings"
APPLICATION = "application"
RESUME_S = 120.0  # without a link, then it is given up; the same again goes on where it was
LINK_LOOK_S = 0.2
VAIN_MOST = 5  # times in a row that it goes on and gets no further
TRIAL_LOOK_S = 1.0
TRIALS_MOST = 3  # of its time: a start that hangs takes its own
_INTERRUPTED = {ErrandFault.NO_ANSWER, ErrandFault.NOT_LINKED}


async def settings_set(node: Node, errand: Errand, request: Mapping[str, Any]) -> object:
    """Its settings.json; kept once a reading under it is acknowledged."""
    require_link(node)
    octets, seconds = _given(request)
    if remote.HIDDEN.encode() in octets:
        octets = kept(octets, await settings_of(node, errand))
        errand.done = 0
    await put(node, errand, SETTINGS, octets)
    await try_out(node, errand, SETTINGS, hashlib.sha256(octets).digest(), seconds)
    return {"kept": SETTINGS}


async def update(node: Node, errand: Errand, request: Mapping[str, Any]) -> object:
    """Its application, into the slot that is not in force; kept once a reading of it is acknowledged."""
    require_link(node)
    octets, seconds = _given(request)
    try:
        package = read(octets)
    except Damaged as damaged:
        raise ErrandFailed(
            ErrandFault.PACKAGE_DAMAGED, f"this is no application for a node: {damaged}"
        ) from None
    await put(node, errand, APPLICATION, octets)
    await try_out(node, errand, APPLICATION, package.digest, seconds)
    return {"kept": APPLICATION, "version": package.version}


def _given(request: Mapping[str, Any]) -> tuple[bytes, int]:
    """The octets and the seconds of a request. Raises ErrandFailed."""
    seconds = request.get("seconds")
    try:
        octets = base64.b64decode(str(request.get("octets")), validate=True)
    except ValueError:
        octets = b""
    if not octets or type(seconds) is not int or not remote.TRIAL_LEAST_S <= seconds <= remote.TRIAL_MOST_S:
        raise ErrandFailed(ErrandFault.INTERNAL, "the request has no octets, or no seconds within the limits")
    return octets, seconds


async def put(node: Node, errand: Errand, what: str, octets: bytes) -> None:
    """Have the node hold these octets, whole and checked. Raises ErrandFailed."""
    digest = hashlib.sha256(octets).digest()
    errand.total = len(octets)
    vain = 0
    while vain < VAIN_MOST:
        before = errand.done
        try:
            await _put(node, errand, what, octets, digest)
        except BegunAnew:
            errand.note("the node began anew in the middle of it: going on")
        except ErrandFailed as failed:
            if failed.fault not in _INTERRUPTED:
                raise
            errand.note("the link is cut: going on when it is back")
        else:
            return
        vain = vain + 1 if errand.done <= before else 0
        await _link(node)
    raise ErrandFailed(
        ErrandFault.RESTARTED, f"node {node.name} was interrupted {vain} times, and nothing was gained"
    )


async def _put(node: Node, errand: Errand, what: str, octets: bytes, digest: bytes) -> None:
    at = await obeyed(node, "put", what=what, size=len(octets), sha256=digest)
    while True:
        at = errand.done = _offset(node, at, len(octets))
        if at == len(octets):
            return
        offset, piece = at, octets[at:]
        result = await answered(node, lambda id_: _chunk(id_, offset, piece))  # noqa: B023 - awaited at once
        if result.status == remote.UNKNOWN:  # it knows of no transfer any more
            raise BegunAnew
        at = result.value if result.status == remote.MORE else value_of(node, result)


def _offset(node: Node, value: object, most: int) -> int:
    if type(value) is int and 0 <= value <= most:
        return value
    raise ErrandFailed(ErrandFault.BAD_ANSWER, f"node {node.name} gives no offset to go on from")


def _chunk(id_: int, offset: int, octets: bytes) -> remote.Chunk:
    """As many of the octets as one frame downward takes."""
    encoder = cbor.Encoder(1024)
    count = min(len(octets), FRAME_LIMIT_DOWN)
    while True:
        chunk = remote.Chunk(id_, offset, octets[:count])
        over = len(stuff(chunk.encode(encoder), ESCAPES_DOWN)) - FRAME_LIMIT_DOWN
        if over <= 0:
            return chunk
        count -= max(1, over // 2)  # an octet takes two at most


async def _link(node: Node) -> None:
    """Wait until the node is linked. Raises ErrandFailed."""
    try:
        async with asyncio.timeout(RESUME_S):
            while not linked(node):  # noqa: ASYNC110 - a line's state is time, too
                await asyncio.sleep(LINK_LOOK_S)
    except TimeoutError:
        message = f"node {node.name} is not linked for {RESUME_S:.0f} s; what it has, it keeps"
        raise ErrandFailed(ErrandFault.NOT_LINKED, message) from None


async def try_out(node: Node, errand: Errand, what: str, digest: bytes, seconds: int) -> None:
    """Have the node try what it holds, and wait until what is in force has this SHA-256.

    Raises ErrandFailed: it went back.
    """
    boots = node.orders.boots
    try:
        while (await _begun(node, errand, what, seconds)).status == remote.MORE:
            pass
    except BegunAnew:
        pass  # as it should; its RESULT was lost
    errand.note(
        f"the node tries it; if it does not prove itself within {seconds} s, the node goes back by itself"
    )
    try:
        async with asyncio.timeout(TRIALS_MOST * (seconds + RESTART_S)):
            await node.orders.boot_after(boots)
            in_force = None
            while in_force is None:
                in_force = await _in_force(node, what)
    except TimeoutError:
        message = f"node {node.name} is not heard; it goes back by itself"
        raise ErrandFailed(ErrandFault.NO_ANSWER, message) from None
    if in_force != digest:
        raise ErrandFailed(ErrandFault.WENT_BACK, f"node {node.name} went back to what it had: {what}")


async def _begun(node: Node, errand: Errand, what: str, seconds: int) -> remote.Result:
    arguments: dict[str, object] = {"what": what, "seconds": seconds}
    result = await answered(node, lambda id_: remote.Command(id_, "try", arguments))
    if result.status != remote.MORE:
        value_of(node, result)
    elif type(result.value) is int:
        errand.done = result.value
    return result


async def _in_force(node: Node, what: str) -> bytes | None:
    """The SHA-256 of what is in force; after a while None, while something is on trial or nobody answers."""
    await asyncio.sleep(TRIAL_LOOK_S)
    try:
        match await obeyed(node, "trial", what=what):
            case ["", bytes(digest)]:
                return digest
            case [str(), bytes()]:
                return None
    except BegunAnew:
        return None
    except ErrandFailed as failed:
        if failed.fault in {*_INTERRUPTED, ErrandFault.ASLEEP, ErrandFault.NODE_FAILED}:
            # It may sleep once that is decided, or have no memory for an answer beside what it sends.
            return None
        raise
    raise ErrandFailed(ErrandFault.BAD_ANSWER, f"node {node.name} does not say what is in force")
