"""The kind ads1220: an ADS1220 on an SPI bus, and the pins of its CS and DRDY."""

from wire.compat import const

_FREQ_MOST = const(6000000)  # 150 ns a period at the least (DS 6.6)


def take(keys, settings, out: dict) -> None:
    """Take the keys of this kind into `out`."""
    out["bus"] = keys.spi(settings)
    if settings.spi[out["bus"]]["freq"] > _FREQ_MOST:
        raise keys.bad("bus", "its freq is over " + str(_FREQ_MOST))
    out["cs"] = keys.pin("cs", 15)
    out["drdy"] = keys.pin("drdy", 27)
    out["inputs"] = keys.choice("inputs", "01", ("01", "02", "03", "12", "13", "23"))
    out["gain"] = keys.choice("gain", 128, (1, 2, 4, 8, 16, 32, 64, 128))
    out["rate"] = keys.choice("rate", 20, (20, 45, 90, 175, 330, 600, 1000))
    out["check_every"] = keys.integer("check_every", 600, 0, 1000000)


def data_ready(entry: dict, settings) -> "tuple | None":
    """The pin that tells of a conversion, and its level then; None where its bus is another chip's, too.

    An interrupt may come while somebody else's chip is selected.
    """
    for other in settings.sensors:
        if other is not entry and other["driver"] == "ads1220" and other["bus"] == entry["bus"]:
            return None
    return entry["drdy"], 0


def make(entry: dict, wires) -> object:
    """The driver of checked settings."""
    from drivers.ads1220 import ADS1220, MODE  # noqa: PLC0415 - a check of settings needs no driver

    select = wires.pin_out(entry["cs"], 1)
    drdy = wires.pin_in(entry["drdy"], 1)
    spi = wires.spi(entry["bus"], MODE)
    return ADS1220(spi, select, drdy, entry["inputs"], entry["gain"], entry["rate"], entry["check_every"])
