"""The kind ds18b20: a probe, perhaps one of several, on a 1-wire bus."""

from binascii import hexlify


def take(keys, settings, out: dict) -> None:  # noqa: ARG001 - alike for all kinds
    """Take the keys of this kind into `out`."""
    out["rom"] = keys.octets("rom", 8)
    if out["rom"]:
        keys.claim("rom " + hexlify(out["rom"]).decode(), "rom")
    out["pin"] = keys.pin("pin", 4, "probes that have a rom" if out["rom"] else "")
    out["bits"] = keys.choice("bits", 12, (9, 10, 11, 12))


def make(entry: dict, wires) -> object:
    """The driver of checked settings."""
    from drivers.ds18b20 import DS18B20  # noqa: PLC0415 - a check of settings needs no driver

    return DS18B20(wires.one_wire(entry["pin"]), entry["rom"], entry["bits"])
