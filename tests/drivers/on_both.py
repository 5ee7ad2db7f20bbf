"""What the vectors call, on either runtime; in the MicroPython dialect."""

import gc

from drivers.ads1220 import ADS1220
from drivers.bme280 import BME280, decode
from drivers.bme280_trim import HIGH_OCTETS, LOW_OCTETS, Trim, centi_celsius
from drivers.ds18b20 import DS18B20
from drivers.hx711 import HX711
from drivers.nau7802 import NAU7802
from drivers.one_wire import Chips
from drivers.sht4x import SHT4x


def compensate(low, high, adc_t, adc_p, adc_h):
    """(t_fine, centi-degrees C, Pa, centi-%RH) of three codes."""
    trim = Trim(low, high)
    t_fine = trim.t_fine(adc_t)
    return t_fine, centi_celsius(t_fine), trim.pressure(adc_p, t_fine), trim.humidity(adc_h, t_fine)


def decode_frame(low, high, octets):
    return decode(Trim(low, high), octets)


class Registers:
    """A bus with one chip that is nothing but memory; a conversion is over at once."""

    def __init__(self, low, high, data, chip_id=0x60):
        self.memory = bytearray(256)
        self.memory[0x88 : 0x88 + LOW_OCTETS] = low
        self.memory[0xD0] = chip_id
        self.memory[0xE1 : 0xE1 + HIGH_OCTETS] = high
        self.memory[0xF7:0xFF] = data

    def readfrom_mem_into(self, addr, memaddr, buf):
        for at in range(len(buf)):
            buf[at] = self.memory[memaddr + at]

    def writeto_mem(self, addr, memaddr, buf):
        self.memory[memaddr] = buf[0] & 0xFC if memaddr == 0xF4 else buf[0]


def read_bme280(low, high, data):
    """The second reading of a chip with these registers."""
    driver = BME280(Registers(low, high, data))
    driver.open()
    for _ in range(2):
        driver.start()
        items = driver.read() if driver.ready() else None
    return items


def open_bme280(low, high, chip_id):
    """Open a chip that says it is `chip_id`."""
    BME280(Registers(low, high, bytes(8), chip_id)).open()


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


def new_hx711(codes, gain=128):
    """A driver that has settled, with its chip."""
    settling = [1] * 5
    chip = ShiftRegister(settling + codes)
    driver = HX711(Pin(chip.clock), Pin(chip.data), gain)
    driver.open()
    for _ in settling:
        driver.read()
        chip.next()
    return driver, chip


def read_hx711(codes):
    """What a settled driver makes of these codes, in order."""
    driver, chip = new_hx711(codes)
    items = []
    for _ in codes:
        items += driver.read()
        chip.next()
    return items


def pulses_of_hx711(gain):
    """How many pulses one reading takes."""
    driver, chip = new_hx711([5], gain)
    driver.read()
    return chip.pulses


def octets_of_reading_hx711():
    """Heap that one reading takes on MicroPython."""
    driver, _ = new_hx711([0x7FFFF0, 0x800003])
    return _octets(driver.read)


def octets_of_reading_bme280(low, high, data):
    """Heap that one reading takes on MicroPython, big integers included."""
    driver = BME280(Registers(low, high, data))
    driver.open()
    for _ in range(2):
        driver.start()
        driver.read()
    driver.start()
    return _octets(driver.read)


class Answer:
    """A bus whose chip always says the same."""

    def __init__(self, octets):
        self._octets = octets

    def writeto(self, addr, buf):
        pass

    def readfrom_into(self, addr, buf):
        buf[:] = self._octets


def octets_of_reading_sht4x(octets):
    """Heap that one reading takes on MicroPython."""
    driver = SHT4x(Answer(octets))
    driver.open()
    driver.start()
    return _octets(driver.read)


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
    return _octets(driver.read)


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
    return _octets(driver.read)


class Probe:
    """A 1-wire bus whose only chip always gives the same scratchpad, and is done at once."""

    def reset(self):
        return True

    def readbit(self):
        return 1

    def readinto(self, buf):
        for at in range(9):
            buf[at] = b"\x91\x01\x4b\x46\x7f\xff\x0f\x10\x25"[at]

    def write(self, buf):
        pass

    writebyte = write


def octets_of_reading_ds18b20():
    """Heap that one reading takes on MicroPython."""
    driver = DS18B20(Chips(Probe()), b"\x28\x00\x00\x15\x00\x00\x00\xa7")
    return _octets(driver.read)


def _octets(read):
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    read()
    after = gc.mem_alloc()
    gc.enable()
    return after - before
