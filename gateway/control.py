"""What may be asked of the running agent beyond its status: one line of JSON, one line back.

    {"operation": "dead_letters.discard", "ids": [3]}  ->  {"answer": {"count": 1}}
                                                       or  {"error": "..."}

The agent does it, so that only one process ever writes into the store.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from gateway.socket_server import SocketServer, exchange

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Mapping
    from pathlib import Path

    Operation = Callable[[Mapping[str, Any]], object]

CONTROL_NAME = "control.sock"  # in the state directory


class Refused(Exception):
    """The agent will not do it; says why."""


class ControlServer(SocketServer):
    """Does what is asked by name. An operation gets the request and gives what JSON can say.

    It raises Refused for what cannot be done. The request is a line of 512 KiB at most.
    """

    def __init__(self, path: Path, operations: Mapping[str, Operation]) -> None:
        async def answer(reader: asyncio.StreamReader) -> bytes:
            try:
                line = await reader.readline()
            except ValueError:  # too long
                line = b""
            return json.dumps(_answer(line, operations), separators=(",", ":")).encode() + b"\n"

        super().__init__(path, answer, name="control")


def _answer(line: bytes, operations: Mapping[str, Operation]) -> dict[str, object]:
    try:
        request = json.loads(line)
    except (ValueError, RecursionError):
        request = None
    if not isinstance(request, dict):
        return {"error": "the request is no JSON object in one line"}
    operation = operations.get(str(request.get("operation")))
    if operation is None:
        return {"error": "this agent does not know the operation"}
    try:
        return {"answer": operation(request)}
    except Refused as refused:
        return {"error": str(refused)}


def call(path: Path, operation: str, **arguments: object) -> Any:  # noqa: ANN401 - what the operation gives
    """Have the agent that listens at `path` do it. Raises OSError, Refused."""
    request = json.dumps({"operation": operation, **arguments}).encode() + b"\n"
    try:
        reply = json.loads(exchange(path, request))
    except (ValueError, RecursionError):
        raise Refused("the agent did not answer in JSON") from None
    if "answer" not in reply:
        raise Refused(str(reply.get("error")))
    return reply["answer"]
