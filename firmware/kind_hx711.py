"""The kind hx711: an HX711 on two pins, or on an SPI bus that clocks it and nothing else."""

from wire.compat import const

_FREQ_LEAST = const(20000)  # below it a pulse is longer than 50 us, and the chip falls asleep
_FREQ_MOST = const(5000000)  # above it one is shorter than 0.2 us


def take(keys, settings, out: dict) -> None:
    """Take the keys of this kind into `out`."""
    out["gain"] = keys.choice("gain", 128, (128, 64, 32))
    out["bus"] = None
    if not keys.has("bus"):
        out["clock"] = keys.pin("clock", 18)
        out["data"] = keys.pin("data", 19)
        return
    out["bus"] = keys.spi(settings, "")
    if not _FREQ_LEAST <= settings.spi[out["bus"]]["freq"] <= _FREQ_MOST:
        raise keys.bad("bus", "its freq is not from " + str(_FREQ_LEAST) + " to " + str(_FREQ_MOST))


def data_ready(entry: dict, settings) -> tuple:
    """The pin that tells of a conversion, and its level then."""
    return entry["data"] if entry["bus"] is None else settings.spi[entry["bus"]]["miso"], 0


def make(entry: dict, wires) -> object:
    """The driver of checked settings."""
    from drivers.hx711 import HX711  # noqa: PLC0415 - a check of settings needs no driver

    if entry["bus"] is None:
        clock = wires.pin_out(entry["clock"])
        data = wires.pin_in(entry["data"], 1)
        return HX711(clock, data, entry["gain"], wires.guard)
    from drivers.hx711_spi import MODE, SpiClock  # noqa: PLC0415 - a check of settings needs no driver

    # The pin first: made an input later, it would be taken from the bus.
    data = wires.pin_in(wires.miso(entry["bus"]), 1)
    clock = SpiClock(wires.spi(entry["bus"], MODE))
    return HX711(clock, data, entry["gain"], shift=clock.shift)
