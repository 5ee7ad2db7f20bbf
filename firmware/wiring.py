"""From the settings' sensors to drivers on buses and pins; needed at the start only."""

from firmware import board_buses, kinds


def drivers(settings) -> list:
    """One driver for each member of settings.sensors; touches no chip."""
    wires = Wires(settings)
    return [kinds.of(entry["driver"]).make(entry, wires) for entry in settings.sensors]


def data_ready(settings, sensor: int) -> tuple:
    """The pin that tells of a sensor's conversions, and its level then; made after the drivers."""
    pin, level = kinds.data_ready(settings.sensors[sensor], settings)
    return board_buses.pin(pin), level


class Wires:
    """What a driver can hang on. A bus that several chips share is made when the first of them asks."""

    pin_in = staticmethod(board_buses.pin_in)
    pin_out = staticmethod(board_buses.pin_out)
    adc = staticmethod(board_buses.adc)
    chip_temperature = staticmethod(board_buses.chip_temperature)
    guard = board_buses.Interrupts

    def __init__(self, settings) -> None:
        self._settings = settings
        self._i2c = {}
        self._spi = {}
        self._one_wire = {}

    def i2c(self, bus: int) -> object:
        """The I2C bus of this number."""
        if bus not in self._i2c:
            self._i2c[bus] = board_buses.i2c(bus, self._settings.i2c[bus])
        return self._i2c[bus]

    def spi(self, bus: int, mode: int) -> object:
        """The SPI bus of this number, for chips of one mode."""
        if bus not in self._spi:
            self._spi[bus] = (mode, board_buses.spi(bus, self._settings.spi[bus], mode))
        if self._spi[bus][0] != mode:
            raise ValueError("spi[" + str(bus) + "] has chips of two modes")
        return self._spi[bus][1]

    def miso(self, bus: int) -> int:
        """The pin of an SPI bus's data input."""
        return self._settings.spi[bus]["miso"]

    def one_wire(self, pin: int) -> object:
        """All chips on the 1-wire bus of this pin."""
        if pin not in self._one_wire:
            from drivers.one_wire import Chips  # noqa: PLC0415 - most nodes have none

            self._one_wire[pin] = Chips(board_buses.one_wire(pin))
        return self._one_wire[pin]
