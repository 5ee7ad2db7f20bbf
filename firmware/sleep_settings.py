"""`sleep` of the settings: a node that is awake only to measure, and now and then to tell."""

from wire.compat import const
from wire.fields import SLEEP_MOST_PPM, SLEEP_MOST_S

_WAKE_LEAST_MS = const(5000)  # shorter than a contact, none would end before the next scan
_WAKE_MOST_MS = const(86400000)
_SEND_EVERY_MOST = const(10000)
_LINK_S = const(30)
_LINK_LEAST_S = const(10)
_LINK_MOST_S = const(600)
_CLOCK_PPM = const(10000)  # an RC oscillator whose temperature changes between two contacts


def sleep(keys, groups: list, sensors: list) -> dict:
    """Checked values; the groups then have one scan a wake."""
    out = {
        "wake_ms": keys.integer("wake_ms", None, _WAKE_LEAST_MS, _WAKE_MOST_MS),
        "send_every": keys.integer("send_every", 1, 1, _SEND_EVERY_MOST),
        "link_s": keys.integer("link_s", _LINK_S, _LINK_LEAST_S, _LINK_MOST_S),
        "clock_ppm": keys.integer("clock_ppm", _CLOCK_PPM, 1, SLEEP_MOST_PPM),
    }
    keys.done()
    out["every_s"] = (out["wake_ms"] * out["send_every"] + 999) // 1000
    if out["every_s"] > SLEEP_MOST_S:
        raise keys.bad("send_every", "over a week between two contacts")
    for at in range(len(sensors)):
        if "afe" in sensors[at] and sensors[at]["afe"] is None:
            why = ": each wake would find an offset of its own"
            raise keys.bad("wake_ms", "not without sensors[" + str(at) + "].afe" + why)
    for at in range(len(groups)):
        group = groups[at]
        for key, none in (("sps", 0), ("decimate", 1)):
            if group[key] != none:
                raise keys.bad("wake_ms", "not with groups[" + str(at) + "]." + key + ": a wake has one scan")
        group["period_ms"] = out["wake_ms"]
        group["scans"] = 1
        group["report_ms"] = 0
    return out
