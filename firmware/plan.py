"""What the settings mean for this node, worked out once at the start and then forgotten."""

import os

from firmware import board_start, ports, settings, wiring
from firmware.descriptor import Descriptor
from firmware.launch import OBLIGATORY
from firmware.sampler import Sampler
from firmware.sensors import Sensor


class Plan:
    """Plain values: `sensors`, `port`, `describe`, `hash`, and `groups`, `queue_octets` and
    `queue_flash_octets` of the settings; `sleep` of them, with `sleeper`, its class, or None.

    Settings on trial go before those in force; broken ones are dropped at once. A node with a broken
    file measures with the defaults rather than not at all. `problem` says so; it is empty when all is
    well. From `stage` OBLIGATORY on (firmware.launch) there are fewer sensors, or none.
    """

    def __init__(self, root: str, stage: int) -> None:
        self.problem = ""
        self._stage = stage
        trial = root + "settings.new"
        self.on_trial = "settings.new" in os.listdir(root) and self._takes(trial)
        if self.on_trial:
            return
        dropped = self.problem
        if dropped:
            os.remove(trial)
            dropped = "settings on trial dropped: " + dropped
            self.problem = ""
        if not self._takes(root + "settings.json"):
            self.problem = "defaults in use, settings: " + self.problem
            self._make(settings.Settings({}))
        self.problem = dropped or self.problem

    def _takes(self, path: str) -> bool:
        try:
            self._make(settings.load(path))
        except settings.SettingsError as error:
            self.problem = str(error)
        except Exception as error:  # noqa: BLE001 - whatever stands there, the node starts
            self.problem = path + ": " + repr(error)
        else:
            return True
        return False

    def _make(self, chosen) -> None:
        if self._stage >= OBLIGATORY:
            from firmware import reduced  # noqa: PLC0415 - in trouble only

            reduced.reduce(chosen, self._stage)
        try:
            self.sensors = _sensors(chosen)
            self.port = ports.make(chosen.link)
        except (ValueError, OSError) as error:
            # The board knows better than settings.py which pins it has and what they can do.
            raise settings.SettingsError("a pin or bus", "cannot be used: " + str(error)) from None
        channels_of = [sensor.channels for sensor in self.sensors]
        takes = Sampler
        self.sleep = chosen.sleep if chosen.groups else None
        if self.sleep:
            from firmware import one_scan, sleeper  # noqa: PLC0415 - most nodes save them

            self.sleeper = sleeper.Sleeper
            takes = one_scan.OneScan
        for group in chosen.groups:
            group["sampler"] = takes
            if group["sps"]:
                from firmware.waveform import Waveform  # noqa: PLC0415 - 4 KB that most nodes save

                group["sampler"] = Waveform
                group["data_ready"] = wiring.data_ready(chosen, group["sensors"][0])
        descriptor = Descriptor(chosen, channels_of, board_start.name())
        self.describe = descriptor.message
        self.hash = descriptor.hash
        self.groups = chosen.groups
        self.queue_octets = chosen.queue_octets
        self.queue_flash_octets = chosen.queue_flash_octets


def _sensors(chosen) -> list:
    drivers = wiring.drivers(chosen)
    made = []
    for at in range(len(drivers)):
        where = "sensors[" + str(at) + "]."
        made.append(Sensor(drivers[at], _limits(chosen.sensors[at], drivers[at].CHANNELS, where), at))
    return made


def _limits(sensor: dict, channels: tuple, where: str):
    if not sensor["range"] and not sensor["stuck"]:
        return None
    from firmware.limits import Limits  # noqa: PLC0415 - most nodes have none

    for key in ("range", "stuck"):
        if sensor[key] and len(sensor[key]) != len(channels):
            raise settings.SettingsError(where + key, "not " + str(len(channels)) + " members, one a channel")
    ranges = []
    for at in range(len(channels)):
        span = sensor["range"][at] if sensor["range"] else None
        scale = 10 ** -channels[at][2]  # no driver has an exponent above 0
        ranges.append(span and (span[0] * scale, span[1] * scale))
    return Limits(ranges, sensor["stuck"] or [0] * len(channels))
