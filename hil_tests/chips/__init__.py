"""Register-level chips: octets and pin levels in front, physical values behind."""

from hil_tests.chips.ads1220 import ADS1220Chip
from hil_tests.chips.bme280 import BME280Chip
from hil_tests.chips.ds18b20 import DS18B20Chip
from hil_tests.chips.esp32 import ESP32Inside
from hil_tests.chips.hx711 import HX711Chip
from hil_tests.chips.nack import Nack
from hil_tests.chips.nau7802 import NAU7802Chip
from hil_tests.chips.sht4x import SHT4xChip
from hil_tests.chips.world import Air, Load

__all__ = [
    "ADS1220Chip",
    "Air",
    "BME280Chip",
    "DS18B20Chip",
    "ESP32Inside",
    "HX711Chip",
    "Load",
    "NAU7802Chip",
    "Nack",
    "SHT4xChip",
]
