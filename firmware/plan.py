"""What the settings mean for this node, worked out once at the start and then forgotten."""

import gc
import os
import sys

from firmware import board_start, modules
from firmware.launch import OBLIGATORY
from firmware.sensors import Sensor
from firmware.settings_error import SettingsError

# One step after the other: what one has let go is room for the next, else the heap ends in small holes.
_TO_READ = (
    "firmware.settings",
    "firmware.sensor_settings",
    "firmware.group_settings",
    "firmware.link_settings",
    "firmware.sleep_settings",
    "firmware.reduced",
)
_TO_WIRE = ("firmware.wiring", "firmware.kinds", "firmware.board_buses", "firmware.ports")
_TO_DESCRIBE = ("firmware.descriptor", "wire.up", "wire.floats")


class Plan:
    """Plain values: `sensors`, `port`, `describe`, `hash`, and `groups`, `queue_octets` and
    `queue_flash_octets` of the settings; `sleep` of them or None. `health_ms` is the period of the node's own
    group, 0 for none; `remark` says so where that is not what the settings want.

    Settings on trial go before those in force; broken ones are dropped at once. A node with a broken
    file measures with the defaults rather than not at all. `problem` says so; it is empty when all is
    well. From `stage` OBLIGATORY on (firmware.launch) there are fewer sensors, or none.
    """

    def __init__(self, root: str, stage: int) -> None:
        self.problem = self.remark = ""
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
            self._make("")
        self.problem = dropped or self.problem

    def _takes(self, path: str) -> bool:
        try:
            self._make(path)
        except SettingsError as error:
            self.problem = str(error)
        except Exception as error:  # noqa: BLE001 - whatever stands there, the node starts
            self.problem = path + ": " + repr(error)
        else:
            return True
        return False

    def _make(self, path: str) -> None:
        chosen = _read(path, self._stage)
        self._wire(chosen)
        self._describe(chosen)
        self.sleep = chosen.sleep if chosen.groups else None
        self.groups = chosen.groups
        self.queue_octets = chosen.queue_octets
        self.queue_flash_octets = chosen.queue_flash_octets

    def _wire(self, chosen) -> None:
        from firmware import ports, wiring  # noqa: PLC0415 - as all here, see above

        try:
            self.sensors = _sensors(chosen, wiring.drivers(chosen))
            self.port = ports.make(chosen.link)
        except (ValueError, OSError) as error:
            # The board knows better than settings.py which pins it has and what they can do.
            raise SettingsError("a pin or bus", "cannot be used: " + str(error)) from None
        for group in chosen.groups:
            if group["sps"]:
                group["data_ready"] = wiring.data_ready(chosen, group["sensors"][0])
        _let_go([path for path in sys.modules if path.startswith("firmware.kind_")])
        _let_go(_TO_WIRE)

    def _describe(self, chosen) -> None:
        from firmware.descriptor import Descriptor  # noqa: PLC0415 - see above

        descriptor = Descriptor(chosen, [sensor.channels for sensor in self.sensors], board_start.name())
        self.describe = descriptor.message
        self.hash = descriptor.hash
        self.health_ms = chosen.health_ms if descriptor.health else 0
        if chosen.health_ms and not self.health_ms:
            self.remark = "no group health: the descriptor has no room for it"
        _let_go(_TO_DESCRIBE)


def _read(path: str, stage: int) -> modules.Plain:
    from firmware import settings  # noqa: PLC0415 - see above

    try:
        chosen = settings.load(path) if path else settings.Settings({})
        if stage >= OBLIGATORY:
            from firmware import reduced  # noqa: PLC0415 - in trouble only

            reduced.reduce(chosen, stage)
        return modules.Plain(chosen)
    finally:
        del settings
        _let_go(_TO_READ)


def _let_go(paths) -> None:
    modules.forget(paths)
    gc.collect()


def _sensors(chosen, drivers: list) -> list:
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
            raise SettingsError(where + key, "not " + str(len(channels)) + " members, one a channel")
    ranges = []
    for at in range(len(channels)):
        span = sensor["range"][at] if sensor["range"] else None
        scale = 10 ** -channels[at][2]  # no driver has an exponent above 0
        ranges.append(span and (span[0] * scale, span[1] * scale))
    return Limits(ranges, sensor["stuck"] or [0] * len(channels))
