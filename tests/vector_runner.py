"""Calls named functions with arguments from JSON, on either runtime; in the MicroPython dialect.

`main` reads {"function": "module:name", "cases": [[...], ...]} from standard input and
prints one answer per case: {"value": ...} or {"raises": class, "message", "reason", "fault"}.
Bytes travel as {"hex": "..."}, faults as {"fault": name}, tuples as lists, and the numbers that JSON
has not as {"float": "inf"}, which each runtime's json would write in its own way. A fraction goes to
MicroPython as {"ratio": [1, 16384]}: the one with single floats reads decimals a little off.
"""

import json
import sys
from binascii import hexlify, unhexlify


def answers(request):
    """One answer for each of the request's cases."""
    module_name, _, name = request["function"].partition(":")
    __import__(module_name)
    function = getattr(sys.modules[module_name], name)
    return [_answer(function, case) for case in request["cases"]]


def _answer(function, case):
    try:
        value = function(*[decoded(argument) for argument in case])
    except Exception as error:  # noqa: BLE001 - whatever it raises is the answer
        return {
            "raises": type(error).__name__,
            "message": str(error),
            "reason": getattr(error, "reason", None),
            "fault": encoded(getattr(error, "fault", None)),
        }
    return {"value": encoded(value)}


def encoded(value):
    """A value as JSON can carry it."""
    if isinstance(value, (bytes, bytearray)):
        return {"hex": hexlify(value).decode()}
    if isinstance(value, (list, tuple)):
        return [encoded(member) for member in value]
    if isinstance(value, dict):
        return {key: encoded(member) for key, member in value.items()}
    if isinstance(value, float) and value - value != 0:  # an infinity, or NaN
        return {"float": str(value)}
    if isinstance(value, float) and value % 1 and hasattr(value, "as_integer_ratio"):
        return {"ratio": list(value.as_integer_ratio())}
    if type(value).__name__ == "Fault":
        return {"fault": value.name}
    return value


def decoded(value):
    """What `encoded` was given: bytes are bytes again; tuples come as lists."""
    if isinstance(value, list):
        return [decoded(member) for member in value]
    if isinstance(value, dict):
        if list(value) == ["hex"]:
            return unhexlify(value["hex"])
        if list(value) == ["float"]:
            return float(value["float"])
        if list(value) == ["ratio"]:
            return value["ratio"][0] / value["ratio"][1]
        return {key: decoded(member) for key, member in value.items()}
    return value


def main():
    """As a program: one request in, its answers out."""
    print(json.dumps(answers(json.loads(sys.stdin.read()))))
