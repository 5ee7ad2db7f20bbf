"""The keys of one member of `sensors` in /settings.json: those that all have, then its kind's (kinds.py)."""

from firmware import kinds
from wire.compat import const
from wire.fields import TEXT_LIMIT

CAL_DEPTH = const(4)  # objects and arrays within each other; the link allows 8 in all


def sensor(keys, settings) -> dict:
    """Checked values of one sensor, every default filled in; `settings` has the buses."""
    driver = keys.choice("driver", None, kinds.names())
    out = {"driver": driver, "serial": keys.text("serial", ""), "cal": keys.take("cal", {})}
    if not isinstance(out["cal"], dict):
        raise keys.bad("cal", "not an object")
    if not _within_depth(out["cal"], CAL_DEPTH):
        raise keys.bad("cal", "nested over " + str(CAL_DEPTH))
    out["channels"] = _names(keys)
    kinds.of(driver).take(keys, settings, out)
    keys.done()
    return out


def _within_depth(value: object, depth: int) -> bool:
    if isinstance(value, dict):
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
