"""From the settings' sensors to drivers on buses and pins; needed at the start only.

A driver is imported where the settings name it, and costs a node without it nothing but flash.
"""

# ruff: noqa: PLC0415 - see above

from firmware import board, board_buses


def drivers(settings) -> list:
    """One driver for each member of settings.sensors; touches no chip."""
    wires = _Wires(settings)
    return [_MAKERS[entry["driver"]](entry, wires) for entry in settings.sensors]


class _Wires:
    """Buses that several chips share, each made when the first of them asks."""

    def __init__(self, settings) -> None:
        self._settings = settings
        self._i2c = {}
        self._spi = {}
        self._one_wire = {}

    def i2c(self, bus: int) -> object:
        if bus not in self._i2c:
            self._i2c[bus] = board_buses.i2c(bus, self._settings.i2c[bus])
        return self._i2c[bus]

    def spi(self, bus: int, mode: int) -> object:
        if bus not in self._spi:
            self._spi[bus] = (mode, board_buses.spi(bus, self._settings.spi[bus], mode))
        if self._spi[bus][0] != mode:
            raise ValueError("spi[" + str(bus) + "] has chips of two modes")
        return self._spi[bus][1]

    def one_wire(self, pin: int) -> object:
        if pin not in self._one_wire:
            from drivers.one_wire import Chips

            self._one_wire[pin] = Chips(board_buses.one_wire(pin))
        return self._one_wire[pin]


def _bme280(entry: dict, wires: _Wires) -> object:
    from drivers.bme280 import BME280

    return BME280(wires.i2c(entry["bus"]), entry["address"])


def _hx711(entry: dict, wires: _Wires) -> object:  # noqa: ARG001 - alike for all
    from drivers.hx711 import HX711

    clock = board_buses.pin_out(entry["clock"])
    data = board_buses.pin_in(entry["data"])
    return HX711(clock, data, entry["gain"], board.Interrupts())


def _sht4x(entry: dict, wires: _Wires) -> object:
    from drivers.sht4x import SHT4x

    return SHT4x(wires.i2c(entry["bus"]), entry["address"], entry["precision"])


def _nau7802(entry: dict, wires: _Wires) -> object:
    from drivers.nau7802 import NAU7802

    drdy = None if entry["drdy"] is None else board_buses.pin_in(entry["drdy"])
    return NAU7802(wires.i2c(entry["bus"]), entry["gain"], entry["rate"], entry["ldo_mv"], drdy, entry["afe"])


def _ads1220(entry: dict, wires: _Wires) -> object:
    from drivers.ads1220 import ADS1220, MODE

    select = board_buses.pin_out(entry["cs"], 1)
    drdy = board_buses.pin_in(entry["drdy"])
    spi = wires.spi(entry["bus"], MODE)
    return ADS1220(spi, select, drdy, entry["inputs"], entry["gain"], entry["rate"], entry["check_every"])


def _ds18b20(entry: dict, wires: _Wires) -> object:
    from drivers.ds18b20 import DS18B20

    return DS18B20(wires.one_wire(entry["pin"]), entry["rom"], entry["bits"])


_MAKERS = {
    "bme280": _bme280,
    "sht4x": _sht4x,
    "ds18b20": _ds18b20,
    "hx711": _hx711,
    "nau7802": _nau7802,
    "ads1220": _ads1220,
}
