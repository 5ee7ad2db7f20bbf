"""What the vectors of bridge converters call, on either runtime; in the MicroPython dialect."""

from drivers.ads1220 import ADS1220
from drivers.hx711 import HX711
from drivers.hx711_spi import SpiClock
from drivers.nau7802 import NAU7802
from tests.drivers.heap import octets_of


class ShiftRegister:
    """An HX711 that gives `codes` one after the other, never waits, and counts the pulses."""

    def __init__(self, codes):
        self._codes = codes
        self._at = 0
        self._bit = 24  # of the next pulse
        self._out = 0
        self.pulses = 0

    def clock(self, level):
        if not level:
            return
        self.pulses += 1
        self._bit -= 1
        self._out = self._codes[self._at] >> self._bit & 1 if self._bit >= 0 else 1

    def next(self):
        self._at = (self._at + 1) % len(self._codes)
        self._bit = 24
        self._out = 0
        self.pulses = 0

    def data(self):
        return self._out


class Pin:
    def __init__(self, value):
        self.value = value


class SpiOnPins:
    """An SPI bus whose data output is a ShiftRegister's clock, and its data input the chip's data."""

    def __init__(self, chip):
        self._chip = chip
        self._level = 0

    def write(self, buf):
        pass

    def write_readinto(self, write_buf, read_buf):
        for at in range(len(write_buf)):
            taken = 0
            for bit in range(7, -1, -1):
                level = write_buf[at] >> bit & 1
                if level != self._level:
                    self._chip.clock(level)
                    self._level = level
                taken = taken << 1 | self._chip.data()
            read_buf[at] = taken


def new_hx711(codes, gain=128, by_spi=False):
    """A driver that has settled, with its chip."""
    settling = [1] * 5
    chip = ShiftRegister(settling + codes)
    if by_spi:
        clock = SpiClock(SpiOnPins(chip))
        driver = HX711(clock, Pin(chip.data), gain, shift=clock.shift)
    else:
        driver = HX711(Pin(chip.clock), Pin(chip.data), gain)
    driver.open()
    for _ in settling:
        driver.read()
        chip.next()
    return driver, chip


def read_hx711(codes, by_spi):
    """What a settled driver makes of these codes, in order."""
    driver, chip = new_hx711(codes, 128, by_spi)
    items = []
    for _ in codes:
        items += driver.read()
        chip.next()
    return items


def pulses_of_hx711(gain, by_spi):
    """How many pulses one reading takes."""
    driver, chip = new_hx711([5], gain, by_spi)
    driver.read()
    return chip.pulses


def octets_of_reading_hx711(by_spi):
    """Heap that one reading takes on MicroPython."""
    driver, _ = new_hx711([0x7FFFF0, 0x800003], 128, by_spi)
    return octets_of(driver.read)


class Burst:
    """A NAU7802 whose one burst is always the same."""

    def __init__(self, octets):
        self.octets = octets

    def readfrom_mem_into(self, addr, memaddr, buf):
        if len(buf) == 1:
            buf[0] = 0x0F if memaddr == 0x1F else 0x08  # revision; powered up
        else:
            buf[:] = self.octets

    def writeto_mem(self, addr, memaddr, buf):
        pass


def new_nau7802(afe):
    """A driver that has settled, on a bus with a good burst."""
    bus = Burst(b"\xbe\x2f\x30" + afe + bytes(11))
    driver = NAU7802(bus, afe=afe)
    driver.open()
    for code in range(24):  # 250 ms and 4 conversions at 80 per second
        bus.octets = bus.octets[:-1] + bytes((code,))
        driver.read()
    return driver, bus


def read_nau7802(afe, octets):
    """What a settled driver makes of this burst."""
    driver, bus = new_nau7802(afe)
    bus.octets = octets
    return driver.read()


def octets_of_reading_nau7802(afe, octets):
    """Heap that one reading takes on MicroPython."""
    driver, bus = new_nau7802(afe)
    bus.octets = octets
    return octets_of(driver.read)


class Spi:
    """An ADS1220 that passes its tests, and then always gives the same answer."""

    def __init__(self):
        self._registers = bytes(4)
        self.answer = None

    def value(self, level=0):
        return 0

    def write(self, buf):
        if buf[0] == 0x43:
            self._registers = buf[1:]
        elif buf[0] == 0x06:
            self._registers = bytes(4)

    def write_readinto(self, write_buf, read_buf):
        if self.answer:
            read_buf[:] = self.answer
        elif len(read_buf) == 5:
            read_buf[:] = b"\x00" + self._registers
        else:
            # A quarter of 3.3 V; shorted inputs and a bridge are near zero.
            code = b"\x33\x90\x00" if self._registers[0] >> 4 == 12 else b"\x00\x00\x05"
            read_buf[:] = b"\x00" + code + b"\x00" + self._registers


def new_ads1220():
    """A driver that is through its tests, with its bus."""
    spi = Spi()
    driver = ADS1220(spi, spi, spi)
    driver.open()
    for _ in range(4):
        driver.start()
        driver.read()
    driver.start()
    return driver, spi


def read_ads1220(answer):
    """What the driver makes of this answer in place of a reading."""
    driver, spi = new_ads1220()
    spi.answer = answer
    return driver.read()


def octets_of_reading_ads1220(answer):
    """Heap that one reading takes on MicroPython."""
    driver, spi = new_ads1220()
    spi.answer = answer
    return octets_of(driver.read)
