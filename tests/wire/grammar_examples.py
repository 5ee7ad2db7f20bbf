"""For each rule of docs/link-protocol.cddl a message that fits, and one that breaks it."""

import copy

CHANNEL = {"name": "t", "unit": "Cel", "exp": -2, "sensor": "bme280"}
GROUP = {"name": "air", "channels": [0], "period_ms": 1000}
SLEEP = {"every_s": 900, "ppm": 10_000}
HELLO = {
    "v": 1,
    "uid": b"\x24\x0a\xc4\x00\x00\x01",
    "boot": 1 << 16,
    "ticks": 0,
    "fw": "f",
    "desc": b"12345678",
    "reset": "power_on",
    "queued": [[1 << 16, 1, 0, 5]],
    "mtu": 1024,
    "nonce": b"12345678",
}
WELCOME = {
    "v": 1,
    "gw": "g",
    "next": [[1 << 16, 1, 0]],
    "window": 8192,
    "need_desc": True,
    "nonce": b"12345678",
}
GOOD = {
    "hello": [0, HELLO],
    "welcome": [1, WELCOME],
    "describe": [2, {"channels": [CHANNEL], "groups": [GROUP], "node": {}, "sleep": SLEEP}],
    "block": [3, 1 << 16, 1, 0, 0, 10, 20, [1, None, -3], {1: 4}],
    "ack": [4, 1 << 16, 1, 7, 8192],
    "gap": [5, 1 << 16, 1, 0, 7, "queue_full", 10, 20],
    "time-request": [6, 1],
    "time-reply": [7, 1, 10, 11],
    "command": [8, 1, "reset", {}],
    "result": [9, 1, "ok", None],
    "chunk": [10, 1, 0, b"x"],
    "log": [11, 10, "info", "text"],
    "who": [12],
}
DOWN = {"welcome", "ack", "time-request", "command", "chunk", "who"}
ABSENT = object()
# rule broken: message, where in it, what stands there instead
BROKEN = {
    "hello": ("hello", (0,), 1),
    "hello v": ("hello", (1, "v"), 2),
    "hello uid": ("hello", (1, "uid"), b"12345"),
    "hello fw": ("hello", (1, "fw"), ABSENT),
    "hello queued": ("hello", (1, "queued"), [[1, 1, 0]]),
    "hello queued count": ("hello", (1, "queued"), [[1, 1, 0, 1]] * 33),
    "hello mtu": ("hello", (1, "mtu"), 0x10000),
    "hello key": ("hello", (1, 5), "a key that is no text"),
    "welcome": ("welcome", (1, "need_desc"), 1),
    "welcome next": ("welcome", (1, "next"), [[1, 1, 0, 0]]),
    "describe": ("describe", (1,), []),
    "descriptor channels": ("describe", (1, "channels"), {}),
    "descriptor groups": ("describe", (1, "groups"), ABSENT),
    "descriptor sleep": ("describe", (1, "sleep"), 900),
    "sleep-entry": ("describe", (1, "sleep", "every_s"), 0),
    "sleep-entry ppm": ("describe", (1, "sleep", "ppm"), 50_001),
    "sleep-entry key": ("describe", (1, "sleep", "every_s"), ABSENT),
    "descriptor node": ("describe", (1, "node"), {"name": 5}),
    "channel-entry": ("describe", (1, "channels", 0), 5),
    "channel exp": ("describe", (1, "channels", 0, "exp"), 0.5),
    "group-entry": ("describe", (1, "groups", 0), 5),
    "channel unit": ("describe", (1, "channels", 0, "unit"), 7),
    "channel latency": ("describe", (1, "channels", 0, "latency_us"), 1.5),
    "group channels": ("describe", (1, "groups", 0, "channels"), [256]),
    "group period": ("describe", (1, "groups", 0, "period_ms"), -1),
    "block": ("block", (8,), {}),
    "block exception": ("block", (8,), {"1": 4}),
    "block group": ("block", (4,), 256),
    "block values": ("block", (7,), [0] * 1001),
    "block value": ("block", (7, 0), 0.5),
    "block fault": ("block", (8,), {1: 256}),
    "ack": ("ack", (4,), ABSENT),
    "gap": ("gap", (5,), 3),
    "time-request": ("time-request", (1,), 2**32),
    "time-reply": ("time-reply", (3,), ABSENT),
    "command": ("command", (2,), 5),
    "command arguments": ("command", (3,), None),
    "result": ("result", (3,), ABSENT),
    "chunk": ("chunk", (3,), "text"),
    "chunk octets": ("chunk", (3,), b""),
    "hello trial": ("hello", (1, "trial"), 5),
    "hello descs": ("hello", (1, "descs"), [[1, b"1234567"]]),
    "log": ("log", (3,), b"octets"),
    "who": ("who", (0,), 13),
    "boot-id": ("block", (1,), 1 << 48),
    "stream-id": ("block", (2,), 3),
    "seq-number": ("ack", (3,), 2**32 + 1),
    "tick-count": ("block", (5,), 1 << 56),
    "window-octets": ("ack", (4,), 1048577),
    "descriptor-hash": ("hello", (1, "desc"), b"1234567"),
    "nonce-octets": ("hello", (1, "nonce"), b"123456789"),
    "short-text": ("log", (3,), "x" * 201),
}


def broken_message(name):
    """The rule that a name of BROKEN begins from, and the message that no longer fits it."""
    rule, path, instead = BROKEN[name]
    message = copy.deepcopy(GOOD[rule])
    inside = message
    for step in path[:-1]:
        inside = inside[step]
    if instead is ABSENT:
        del inside[path[-1]]
    else:
        inside[path[-1]] = instead
    return rule, message
