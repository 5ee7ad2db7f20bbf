"""What the node's numbers mean: the descriptor, and the hash that names it."""

from firmware.description import HEAD_OCTETS
from firmware.group_settings import HEALTH
from firmware.settings_error import SettingsError
from wire.cbor import Encoder
from wire.compat import const
from wire.errors import WireError
from wire.fields import MESSAGE_OCTETS
from wire.up import Describe, descriptor_hash

VALUES_MOST = const(180)  # in a BLOCK of 1024 octets even when each is missing with its reason
# Of the group `health`, in the order in which firmware.health tells them, with their units where they have
# one. One text, for MicroPython never forgets a name.
_HEALTH = (
    "heap_free:B heap_piece:B queue_ram:B queue_flash:B flash_fault flash_written:B flash_erases "
    "records_lost frames_refused slots_missed sensors_given_up reset_cause"
)


class Descriptor:
    """What checked settings and the drivers make of this node, as the gateway is told of it.

    `map`, `message` (the DESCRIBE that carries it), and `hash` for HELLO. `channels_of` has the
    drivers' CHANNELS, one tuple of (name, unit, exp) per sensor. `health`: the last group is the node's own;
    it is left out where nobody wants it or the message has no room for it. Raises SettingsError where a BLOCK
    or the rest of the descriptor would not fit a message.
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
            groups.append(_told(group, indexes))
        node = {key: value for key, value in settings.node.items() if value}
        node["board"] = board
        self.map = {"channels": self.channels, "groups": groups, "node": node}
        if settings.sleep:
            self.map["sleep"] = {"every_s": settings.sleep["every_s"], "ppm": settings.sleep["clock_ppm"]}
        try:
            self.message = _message(self.map)
        except WireError as error:
            raise SettingsError("sensors", "descriptor: " + str(error)) from None
        self.health = settings.health_ms > 0 and self._takes_health(settings.health_ms)
        self.hash = descriptor_hash(self.message[HEAD_OCTETS:])

    def _takes_health(self, period_ms: int) -> bool:
        own = _health_channels()
        first = len(self.channels)
        for name in [channel["name"] for channel in self.channels]:
            if name in [channel["name"] for channel in own]:
                raise SettingsError("sensors", name + " is a channel of the group health")
        group = {"name": HEALTH, "channels": list(range(first, first + len(own))), "period_ms": period_ms}
        whole = dict(self.map)
        whole["channels"] = self.channels + own
        whole["groups"] = self.map["groups"] + [group]
        try:
            self.message = _message(whole)
        except WireError:
            return False
        self.map = whole
        return True

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


def _message(descriptor: dict) -> bytes:
    return Describe(descriptor).encode(Encoder(MESSAGE_OCTETS))


def _health_channels() -> "list[dict]":
    channels = []
    for word in _HEALTH.split():
        name, _, unit = word.partition(":")
        channels.append({"name": name, "unit": unit} if unit else {"name": name})
    return channels


def _told(group: dict, channels: list) -> dict:
    # The period is that of what is told: of scans, which may be means of so many samples.
    out = {"name": group["name"], "channels": channels}
    if group["sps"]:
        out["sps"] = group["sps"]
    else:
        out["period_ms"] = group["period_ms"] * group["decimate"]
    if group["decimate"] > 1:
        out["decimate"] = group["decimate"]
    return out
