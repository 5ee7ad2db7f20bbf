"""What the node's numbers mean: the descriptor, and the hash that names it."""

from firmware.settings import SettingsError
from wire import cbor
from wire.compat import const
from wire.errors import WireError
from wire.up import descriptor_hash

DESCRIPTOR_OCTETS = const(1022)  # DESCRIBE is an array of its type and this, 1024 in all
VALUES_MOST = const(180)  # in a BLOCK of 1024 octets even when each is missing with its reason


class Descriptor:
    """`map` for DESCRIBE, `hash` for HELLO, made of checked settings and what the drivers offer.

    `channels_of` has the drivers' CHANNELS, one tuple of (name, unit, exp) per sensor. Raises
    SettingsError where a BLOCK or the descriptor would not fit a message.
    """

    def __init__(self, settings, channels_of: list, board: str) -> None:
        self.channels = []
        first_of = []
        for at in range(len(settings.sensors)):
            first_of.append(len(self.channels))
            self._add_sensor(settings.sensors[at], channels_of[at], "sensors[" + str(at) + "].")
        groups = []
        for at in range(len(settings.groups)):
            group = settings.groups[at]
            indexes = []
            for sensor in group["sensors"]:
                indexes += range(first_of[sensor], first_of[sensor] + len(channels_of[sensor]))
            if len(indexes) * group["scans"] > VALUES_MOST:
                where = "groups[" + str(at) + "].scans"
                raise SettingsError(where, "over " + str(VALUES_MOST) + " values in a block")
            groups.append({"name": group["name"], "channels": indexes, "period_ms": group["period_ms"]})
        node = {key: value for key, value in settings.node.items() if value}
        node["board"] = board
        self.map = {"channels": self.channels, "groups": groups, "node": node}
        try:
            self.hash = descriptor_hash(cbor.encode(self.map, DESCRIPTOR_OCTETS))
        except WireError as error:
            raise SettingsError("sensors", "descriptor: " + str(error)) from None

    def _add_sensor(self, sensor: dict, channels: tuple, where: str) -> None:
        names = sensor["channels"] or [channel[0] for channel in channels]
        if len(names) != len(channels):
            raise SettingsError(where + "channels", "not " + str(len(channels)) + " names")
        for at in range(len(channels)):
            for other in self.channels:
                if other["name"] == names[at]:
                    raise SettingsError(where + "channels", names[at] + " is a channel already")
            channel = {
                "name": names[at],
                "unit": channels[at][1],
                "exp": channels[at][2],
                "sensor": sensor["driver"],
            }
            if sensor["serial"]:
                channel["serial"] = sensor["serial"]
            if sensor["cal"]:
                channel["cal"] = sensor["cal"]
            self.channels.append(channel)
