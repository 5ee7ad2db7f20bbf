"""What may be asked about nodes while the agent runs: errands that go on while whoever asked looks again."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from gateway.control import Refused
from gateway.errand import Errand, ErrandFailed, ErrandFault, ErrandState
from gateway.orders import BegunAnew
from gateway.remote_node import awake, maintenance, reset, settings_show
from gateway.remote_transfer import settings_set, update

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from gateway.control import Operation
    from gateway.nodes import Node, Nodes

    Doing = Callable[[Node, Errand, Mapping[str, Any]], Awaitable[object]]

log = logging.getLogger(__name__)

ERRANDS_KEPT = 32  # that have ended, for whoever looks late
SHORT_LEAST = 4  # digits of a uid that may stand for all of it
AWAKE = "awake"
DOINGS: Mapping[str, Doing] = {
    "settings.show": settings_show,
    "settings.set": settings_set,
    "update": update,
    "reset": reset,
    "maintenance": maintenance,
    AWAKE: awake,
}


class RemoteDesk:
    """Operations on nodes. Errands run while `run` is awaited; each node has one at a time."""

    def __init__(self, nodes: Nodes) -> None:
        self._nodes = nodes
        self._errands: dict[int, Errand] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._group: asyncio.TaskGroup | None = None
        self._last = 0

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as self._group:
            await asyncio.Future()

    def operations(self) -> dict[str, Operation]:
        """By the name that a request has."""
        return {"remote.start": self._start, "remote.look": self._look, "remote.stop": self._stop}

    def _start(self, request: Mapping[str, Any]) -> object:
        doing = DOINGS.get(str(request.get("do")))
        if doing is None or self._group is None:
            raise Refused("this agent cannot do that with a node")
        asked = {key: value for key, value in request.items() if key != "operation"}
        self._last += 1
        errand = Errand(number=self._last, node=str(request.get("node")), asked=asked)
        try:
            node = self._node(errand.node)
        except ErrandFailed as failed:
            errand.fail(failed.fault, str(failed))
            return errand.described()
        asked["node"] = errand.node = node.name
        for other in self._errands.values():
            if other.state is ErrandState.RUNNING and other.node == node.name:
                if other.asked == asked:  # somebody whose terminal went away asks again
                    return other.described()
                if other.asked.get("do") == asked.get("do") == AWAKE:  # it may wait for a week
                    self._end(other, "another wish took its place")
                    continue
                raise Refused(f"node {node.name} is busy: {other.asked.get('do')} is not done")
        self._keep(errand)
        task = self._group.create_task(self._do(doing, node, errand), name=f"errand {errand.number}")
        self._tasks[errand.number] = task
        task.add_done_callback(lambda _: self._tasks.pop(errand.number))
        return errand.described()

    def _look(self, request: Mapping[str, Any]) -> object:
        return self._of(request).described()

    def _stop(self, request: Mapping[str, Any]) -> object:
        errand = self._of(request)
        self._end(errand)
        return errand.described()

    def _end(self, errand: Errand, message: str = "") -> None:
        if (task := self._tasks.get(errand.number)) is not None:
            errand.state, errand.message = ErrandState.STOPPED, message
            task.cancel()

    def _of(self, request: Mapping[str, Any]) -> Errand:
        number = request.get("errand")
        errand = self._errands.get(number) if type(number) is int else None
        if errand is None:
            raise Refused("this agent knows of no such errand: was it restarted?")
        return errand

    async def _do(self, doing: Doing, node: Node, errand: Errand) -> None:
        log.info("node %s: %s is asked for", node.name, errand.asked.get("do"))
        try:
            errand.answer = await doing(node, errand, errand.asked)
            errand.state = ErrandState.DONE
        except ErrandFailed as failed:
            errand.fail(failed.fault, str(failed))
        except BegunAnew:
            errand.fail(ErrandFault.RESTARTED, f"node {node.name} began anew in the middle of it")
        except Exception as error:  # a mistake with one node must not end the agent
            log.exception("node %s: errand %d", node.name, errand.number)
            errand.fail(ErrandFault.INTERNAL, f"the agent failed: {type(error).__name__}")
        log.info("node %s: %s: %s %s", node.name, errand.asked.get("do"), errand.state, errand.message)

    def _keep(self, errand: Errand) -> None:
        ended = [number for number, each in self._errands.items() if each.state is not ErrandState.RUNNING]
        for number in ended[: max(0, len(ended) + 1 - ERRANDS_KEPT)]:
            del self._errands[number]
        self._errands[errand.number] = errand

    def _node(self, wanted: str) -> Node:
        """The node with this uid, or the only one whose uid ends so."""
        wanted = wanted.lower()
        found = [node for node in self._nodes if node.name == wanted]
        if not found and len(wanted) >= SHORT_LEAST:
            found = [node for node in self._nodes if node.name.endswith(wanted)]
        if len(found) == 1:
            return found[0]
        many = (
            f"{len(found)} nodes end in {wanted}" if found else f"no node {wanted} was heard since the start"
        )
        raise ErrandFailed(ErrandFault.UNKNOWN_NODE, many)
