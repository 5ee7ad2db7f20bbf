"""The kind nau7802: a NAU7802 on an I2C bus, and the pin of its DRDY."""


def take(keys, settings, out: dict) -> None:
    """Take the keys of this kind into `out`."""
    out["bus"], _ = keys.i2c(settings, (0x2A,))
    out["gain"] = keys.choice("gain", 128, (1, 2, 4, 8, 16, 32, 64, 128))
    out["rate"] = keys.choice("rate", 80, (10, 20, 40, 80, 320))
    out["ldo_mv"] = keys.choice("ldo_mv", 3000, (0, 2400, 2700, 3000, 3300, 3600, 3900, 4200, 4500))
    out["drdy"] = keys.pin("drdy", 0) if keys.has("drdy") else None
    out["afe"] = keys.octets("afe", 7)


def data_ready(entry: dict, settings) -> "tuple | None":  # noqa: ARG001 - as of all kinds
    """The pin that tells of a conversion, and its level then; None where DRDY goes to no pin."""
    return None if entry["drdy"] is None else (entry["drdy"], 1)


def make(entry: dict, wires) -> object:
    """The driver of checked settings."""
    from drivers.nau7802 import NAU7802  # noqa: PLC0415 - a check of settings needs no driver

    drdy = None if entry["drdy"] is None else wires.pin_in(entry["drdy"], 0)
    return NAU7802(wires.i2c(entry["bus"]), entry["gain"], entry["rate"], entry["ldo_mv"], drdy, entry["afe"])
