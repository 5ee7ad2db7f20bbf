"""/settings.json: what this node is, what is wired to it, how often it measures.

Every key and its default: docs/firmware.md. An unknown key is an error that names it, for a
misspelt one would otherwise be a setting that nobody made.
"""

import errno
import json
from binascii import unhexlify

from firmware import kinds
from firmware.group_settings import HEALTH, PERIOD_MOST_MS, group
from firmware.sensor_settings import sensor
from firmware.settings_error import SettingsError
from wire.compat import const
from wire.fields import TEXT_LIMIT
from wire.remote import SETTINGS_MOST

BUSES_MOST = const(2)  # of I2C, and of SPI, that an ESP32 has to spare
SENSORS_MOST = const(8)
GROUPS_MOST = const(8)
QUEUE_LEAST = const(2048)  # octets; two of the largest records
QUEUE_MOST = const(131072)
QUEUE_FLASH_MOST = const(8388608)
HEALTH_STEP_MS = const(5000)  # the application looks after itself so often
PIN_MOST = const(48)

DEFAULTS = {
    "sensors": [{"driver": "bme280"}, {"driver": "hx711"}],
    "groups": [
        {"name": "air", "sensors": [0], "period_ms": 1000, "scans": 10},
        {"name": "load", "sensors": [1], "period_ms": 100, "scans": 10},
    ],
}


class Settings:
    """Checked settings, every default filled in; plain dicts and lists with the file's keys."""

    def __init__(self, values: dict) -> None:
        top = _Keys(values, "", {})
        node = top.inside("node")
        self.node = {"name": node.text("name", ""), "site": node.text("site", "")}
        node.done()
        self.link = {"via": ["console"]}
        if top.has("link"):
            # Imported here: most nodes need none of it.
            from firmware.link_settings import link  # noqa: PLC0415

            self.link = link(top.inside("link"))
        self.i2c = [_i2c(keys) for keys in top.keyed_list("i2c", [{}], BUSES_MOST)]
        self.spi = [_spi(keys) for keys in top.keyed_list("spi", [{}], BUSES_MOST)]
        sensors = top.keyed_list("sensors", DEFAULTS["sensors"], SENSORS_MOST)
        self.sensors = [sensor(keys, self) for keys in sensors]
        groups = top.keyed_list("groups", DEFAULTS["groups"], GROUPS_MOST)
        self.groups = [group(keys) for keys in groups]
        self.sleep = None
        if top.has("sleep"):
            from firmware.sleep_settings import sleep  # noqa: PLC0415 - as above

            self.sleep = sleep(top.inside("sleep"), self.groups, self.sensors)
        self.queue_octets = top.integer("queue_octets", 24576, QUEUE_LEAST, QUEUE_MOST)
        self.queue_flash_octets = top.integer("queue_flash_octets", 1048576, 0, QUEUE_FLASH_MOST)
        self.health_ms = top.integer("health_ms", 60000, 0, PERIOD_MOST_MS)
        if self.health_ms % HEALTH_STEP_MS:
            raise top.bad("health_ms", "not a multiple of " + str(HEALTH_STEP_MS))
        top.done()
        _check_membership(self.groups, len(self.sensors), {HEALTH} if self.health_ms else set())
        for at in range(len(self.groups)):
            if self.groups[at]["sps"]:
                _check_waveform(self, self.groups[at], "groups[" + str(at) + "].")


def load(path: str) -> Settings:
    """Read settings from `path`; the defaults where there is no file.

    Raises SettingsError for a file that is not JSON, an unknown key or a value out of range.
    """
    try:
        with open(path, "rb") as file:
            octets = file.read(SETTINGS_MOST + 1)
    except OSError as error:
        if error.errno == errno.ENOENT:
            return Settings({})
        raise SettingsError(path, "cannot be read, errno " + str(error.errno)) from None
    if len(octets) > SETTINGS_MOST:
        raise SettingsError(path, "over " + str(SETTINGS_MOST) + " octets")
    try:
        values = json.loads(octets)
    except (ValueError, UnicodeError):
        raise SettingsError(path, "not JSON") from None
    if not _is_closed(octets):
        raise SettingsError(path, "ends in the middle")
    return Settings(values)


def _is_closed(octets: bytes) -> bool:
    # MicroPython's json takes a file whose last bracket is missing: a torn one may look whole.
    depth = 0
    in_text = False
    escaped = False
    for octet in octets:
        if in_text:
            in_text = escaped or octet != 0x22
            escaped = not escaped and octet == 0x5C
        elif octet == 0x22:
            in_text = True
        elif octet in b"{[":
            depth += 1
        elif octet in b"}]":
            depth -= 1
    return depth == 0


class _Keys:
    """One object of the file: takes its keys one by one; `done` finds what nobody took."""

    def __init__(self, values: object, where: str, taken: dict) -> None:
        if not isinstance(values, dict):
            raise SettingsError(where[:-1] or "settings", "not an object")
        for key in values:
            if not isinstance(key, str):  # MicroPython's json takes any
                raise SettingsError(where + str(key), "a key that is no text")
        self._values = dict(values)
        self._where = where
        self._taken = taken  # what of the board is whose: no chip may be read as two sensors

    def bad(self, key: str, detail: str) -> SettingsError:
        return SettingsError(self._where + key, detail)

    def take(self, key: str, default: object) -> object:
        return self._values.pop(key, default)

    def has(self, key: str) -> bool:
        return key in self._values

    def inside(self, key: str) -> "_Keys":
        return _Keys(self.take(key, {}), self._where + key + ".", self._taken)

    def text(self, key: str, default: str) -> str:
        value = self.take(key, default)
        if not isinstance(value, str) or len(value.encode()) > TEXT_LIMIT:
            raise self.bad(key, "not a text of at most " + str(TEXT_LIMIT) + " octets")
        return value

    def flag(self, key: str) -> bool:
        value = self.take(key, False)
        if value is not True and value is not False:
            raise self.bad(key, "not true or false")
        return value

    def choice(self, key: str, default: object, choices: tuple) -> object:
        value = self.take(key, default)
        if value is True or value is False or value not in choices:
            raise self.bad(key, "not one of " + ", ".join([str(choice) for choice in choices]))
        return value

    def integer(self, key: str, default: "int | None", least: int, most: int) -> int:
        value = self.take(key, default)
        if value is None:
            raise self.bad(key, "is missing")
        if not isinstance(value, int) or value is True or value is False or not least <= value <= most:
            raise self.bad(key, "not an integer from " + str(least) + " to " + str(most))
        return value

    def pin(self, key: str, default: int, owner: str = "") -> int:
        number = self.integer(key, default, 0, PIN_MOST)
        self.claim("pin " + str(number), key, owner)
        return number

    def i2c(self, settings: Settings, addresses: tuple) -> "tuple[int, int]":
        number = self._bus("i2c", settings.i2c, ("scl", "sda"))
        address = addresses[0]
        if len(addresses) > 1:
            address = self.choice("address", address, addresses)
        self.claim("address " + str(address) + " of i2c[" + str(number) + "]", "address")
        return number, address

    def spi(self, settings: Settings, owner: str = "chips that have a CS") -> int:
        number = self._bus("spi", settings.spi, ("sck", "mosi", "miso"))
        self.claim("spi[" + str(number) + "]", "bus", owner)
        return number

    def _bus(self, name: str, buses: list, pins: tuple) -> int:
        number = self.integer("bus", 0, 0, len(buses) - 1)
        for pin in pins:
            self.claim("pin " + str(buses[number][pin]), "", name + "[" + str(number) + "]." + pin)
        return number

    def claim(self, what: str, key: str, owner: str = "") -> None:
        place = self._where + key if key else owner
        by = self._taken.setdefault(what, owner or place)
        if by != (owner or place):
            raise SettingsError(place, what + " is taken by " + by)

    def octets(self, key: str, count: int) -> "bytes | None":
        digits = self.text(key, "")
        if not digits:
            return None
        try:
            octets = unhexlify(digits)
        except ValueError:
            octets = b""
        if len(octets) != count:
            raise self.bad(key, "not " + str(2 * count) + " hexadecimal digits")
        return octets

    def keyed_list(self, key: str, default: list, most: int) -> list:
        values = self.take(key, default)
        if not isinstance(values, list) or not 1 <= len(values) <= most:
            raise self.bad(key, "not an array of 1 to " + str(most))
        where = self._where + key
        return [_Keys(values[at], where + "[" + str(at) + "].", self._taken) for at in range(len(values))]

    def done(self) -> None:
        for key in self._values:
            raise self.bad(key, "unknown key")


def _i2c(keys: _Keys) -> dict:
    out = {
        "scl": keys.integer("scl", 22, 0, PIN_MOST),
        "sda": keys.integer("sda", 21, 0, PIN_MOST),
        "freq": keys.integer("freq", 100000, 1000, 400000),
    }
    keys.done()
    return out


def _spi(keys: _Keys) -> dict:
    out = {
        "sck": keys.integer("sck", 14, 0, PIN_MOST),
        "mosi": keys.integer("mosi", 13, 0, PIN_MOST),
        "miso": keys.integer("miso", 12, 0, PIN_MOST),
        "freq": keys.integer("freq", 1000000, 10000, 10000000),
    }
    keys.done()
    return out


def _check_membership(groups: list, count: int, names: set) -> None:
    # Two tasks must not talk to one chip at a time, and a sensor nobody asks is a mistake.
    free = set(range(count))
    for at in range(len(groups)):
        where = "groups[" + str(at) + "]."
        if groups[at]["name"] in names:
            raise SettingsError(where + "name", "used twice, or health, which every node has by itself")
        names.add(groups[at]["name"])
        for index in groups[at]["sensors"]:
            if not isinstance(index, int) or index is True or index is False or not 0 <= index < count:
                raise SettingsError(where + "sensors", "not an array of indexes into sensors")
            if index not in free:
                raise SettingsError(where + "sensors", "sensor " + str(index) + " is in a group already")
            free.remove(index)
    for index in sorted(free):
        raise SettingsError("sensors[" + str(index) + "]", "in no group")


def _check_waveform(settings: Settings, group: dict, where: str) -> None:
    if len(group["sensors"]) != 1:
        raise SettingsError(where + "sensors", "not one sensor alone, as sps wants it")
    if kinds.data_ready(settings.sensors[group["sensors"][0]], settings) is None:
        raise SettingsError(where + "sps", "its sensor has no pin of its own that tells when data are ready")
