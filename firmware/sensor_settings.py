"""The keys of one member of `sensors` in /settings.json: those that all have, then its kind's (kinds.py)."""

from firmware import kinds
from wire.compat import const
from wire.fields import TEXT_LIMIT

STUCK_LEAST = const(2)
STUCK_MOST = const(1000000)  # equal values in a row
RANGE_MOST = const(10000000)  # of either end; times 100 it fits a message
CAL_DEPTH = const(4)  # objects and arrays within each other; the link allows 8 in all


def sensor(keys, settings) -> dict:
    """Checked values of one sensor, every default filled in; `settings` has the buses."""
    driver = keys.choice("driver", None, kinds.names())
    out = {"driver": driver, "serial": keys.text("serial", ""), "cal": keys.take("cal", {})}
    if not isinstance(out["cal"], dict):
        raise keys.bad("cal", "not an object")
    if not _within_depth(out["cal"], CAL_DEPTH):
        raise keys.bad("cal", "nested over " + str(CAL_DEPTH) + ", or a key in it is no text")
    out["channels"] = _names(keys)
    out["range"] = _by_channel(keys, "range", _is_range, "[least, most] or null")
    out["stuck"] = _by_channel(keys, "stuck", _is_stuck, "0, or " + str(STUCK_LEAST) + " and more")
    out["optional"] = keys.flag("optional")
    kinds.of(driver).take(keys, settings, out)
    keys.done()
    return out


def _within_depth(value: object, depth: int) -> bool:
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            return False
        value = list(value.values())
    if not isinstance(value, list):
        return True
    return depth > 0 and all(_within_depth(member, depth - 1) for member in value)


def _names(keys) -> "list[str] | None":
    names = keys.take("channels", None)
    if names is None:
        return None
    if not isinstance(names, list):
        raise keys.bad("channels", "not an array of names")
    for name in names:
        if not isinstance(name, str) or not 1 <= len(name.encode()) <= TEXT_LIMIT:
            raise keys.bad("channels", "not an array of names")
    return names


def _by_channel(keys, key: str, is_right, what: str) -> "list | None":
    values = keys.take(key, None)
    if values is not None and not (isinstance(values, list) and values and all(map(is_right, values))):
        raise keys.bad(key, "not an array that has " + what + " for each channel")
    return values


def _is_range(value: object) -> bool:
    if value is None:
        return True
    if not isinstance(value, list) or len(value) != 2 or not all(map(_is_integer, value)):
        return False
    return -RANGE_MOST <= value[0] < value[1] <= RANGE_MOST


def _is_stuck(value: object) -> bool:
    return _is_integer(value) and (value == 0 or STUCK_LEAST <= value <= STUCK_MOST)


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and value is not True and value is not False
