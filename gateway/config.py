"""The gateway's configuration: one TOML file into frozen dataclasses, or every problem at once.

deploy/fieldgate.toml shows every key with its default.
"""
# ruff: noqa: RUF009 - setting() gives a dataclasses.field()

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from gateway.config_values import boolean, choice, host_name, integer, path_text, text, topic_name
from gateway.sink_config import MqttSinkConfig
from gateway.store_config import FullConfig, StoreConfig
from gateway.toml_lines import TomlLines
from gateway.toml_table import Problem, read, read_many, read_one, setting, subtable, title, unknown_keys
from gateway.wifi_config import WifiConfig

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from gateway.toml_lines import KeyPath

STATE_DIRECTORY = Path("/var/lib/fieldgate")
CONFIG_LIMIT_OCTETS = 256 * 1024
MAX_PORTS = 64
MAX_SINKS = 16
MAX_WIFI = 4
# What tomllib says, and what somebody with an editor needs to hear.
_TOMLLIB_WORDS = (
    (re.compile(r"cannot overwrite a value"), "the key is already there"),
    (re.compile(r"invalid value"), "invalid value; text must stand in quotes"),
    (re.compile(r"illegal character '\\n'"), "the text has no closing quote in its line"),
    (re.compile(r"cannot declare \('(.*)',\) twice"), r"[\1] is already there"),
)
_TOMLLIB_PLACE = re.compile(r"\(at line (\d+), column (\d+)\)")


class ConfigError(Exception):
    """One thing wrong with the configuration. `line` is None where the file as a whole is meant."""

    def __init__(self, path: Path, line: int | None, key: str, message: str) -> None:
        super().__init__(f"{path}{'' if line is None else f':{line}'}: {message}")
        self.path = path
        self.line = line
        self.key = key
        self.message = message


class InvalidConfig(Exception):
    """Everything that is wrong with a configuration, in the order of the file."""

    def __init__(self, errors: Iterable[ConfigError]) -> None:
        self.errors = tuple(errors)
        super().__init__("\n".join(str(error) for error in self.errors))


class UnreadableConfig(InvalidConfig):
    """The file is `missing`, or it is there and cannot be read."""

    def __init__(self, path: Path, error: OSError) -> None:
        super().__init__([ConfigError(path, None, "", f"cannot be read: {error.strerror}")])
        self.missing = isinstance(error, FileNotFoundError)


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayConfig:
    """[gateway]"""

    name: str = setting(topic_name, host_name)
    state_directory: Path = setting(path_text, STATE_DIRECTORY)


@dataclass(frozen=True, slots=True, kw_only=True)
class PortConfig:
    """[[port]]: serial ports found by a glob. `window` is octets a node may have unacknowledged."""

    glob: str = setting(text(r"/[^\x00]+", "an absolute path or glob, like '/dev/ttyUSB*'"))
    baud: int = setting(integer(9_600, 4_000_000), 115_200)
    window: int = setting(integer(1_024, 65_536), 8_192)  # at least one frame of 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockConfig:
    """[clock]. `assume_synchronised` is for hosts whose kernel flag says nothing."""

    assume_synchronised: bool = setting(boolean, default=False)
    time_period_s: int = setting(integer(1, 60), 10)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogConfig:
    """[log]"""

    level: Literal["debug", "info", "warning", "error"] = setting(
        choice("debug", "info", "warning", "error"), "info"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """All of it. A Config that exists is valid."""

    gateway: GatewayConfig = field(default_factory=GatewayConfig)
    ports: tuple[PortConfig, ...] = ()
    wifi: tuple[WifiConfig, ...] = ()
    store: StoreConfig = field(default_factory=StoreConfig)
    clock: ClockConfig = field(default_factory=ClockConfig)
    mqtt_sinks: tuple[MqttSinkConfig, ...] = ()
    log: LogConfig = field(default_factory=LogConfig)


def load(path: Path) -> Config:
    """Read the file. Raises InvalidConfig, which also stands for a file that cannot be read."""
    try:
        with path.open("rb") as file:
            octets = file.read(CONFIG_LIMIT_OCTETS + 1)
    except OSError as error:
        raise UnreadableConfig(path, error) from None
    if len(octets) > CONFIG_LIMIT_OCTETS:
        message = f"is longer than {CONFIG_LIMIT_OCTETS} octets: is it the configuration?"
        raise InvalidConfig([ConfigError(path, None, "", message)])
    try:
        return parse(octets.decode("utf-8-sig"), path)
    except UnicodeDecodeError as error:
        line = octets.count(b"\n", 0, error.start) + 1
        message = f"is not UTF-8 text: octet 0x{octets[error.start]:02X}"
        raise InvalidConfig([ConfigError(path, line, "", message)]) from None


def parse(toml: str, path: Path) -> Config:
    """The configuration in the text; relative paths in it count from the folder of `path`."""
    toml = toml.replace("\r\n", "\n")
    try:
        root = tomllib.loads(toml)
    except tomllib.TOMLDecodeError as error:
        raise InvalidConfig([_syntax_error(toml, path, str(error))]) from None
    problems: list[Problem] = []
    config = _config(root, problems)
    if problems:
        lines = TomlLines(toml)
        errors = [_located(path, lines, problem) for problem in problems]
        raise InvalidConfig(sorted(errors, key=lambda error: error.line or 0))
    return _completed(config, path.absolute().parent)


def _syntax_error(toml: str, path: Path, message: str) -> ConfigError:
    match = _TOMLLIB_PLACE.search(message)
    line, column = (int(match[1]), int(match[2])) if match else (toml.count("\n") + 1, 0)
    where = f", column {column}" if column else ", at the end of the file"
    reason = message.partition(" (at ")[0]
    reason = reason[:1].lower() + reason[1:]
    for theirs, ours in _TOMLLIB_WORDS:
        reason = theirs.sub(ours, reason)
    return ConfigError(path, line, "", f"is not valid TOML{where}: {reason}")


def _located(path: Path, lines: TomlLines, problem: Problem) -> ConfigError:
    key = ".".join(str(part) for part in problem.path)
    return ConfigError(path, lines.line_of(problem.path), key, problem.message)


def _config(root: Mapping[str, object], problems: list[Problem]) -> Config:
    """What could be read; worthless when a problem was noted."""
    unknown_keys(root, ["gateway", "port", "wifi", "store", "clock", "sink", "log"], (), problems)
    sinks_table = subtable(root, ("sink",), problems)
    unknown_keys(sinks_table, ["mqtt"], ("sink",), problems)
    gateway = read_one(GatewayConfig, root, ("gateway",), problems) or GatewayConfig()
    ports = read_many(PortConfig, root, ("port",), MAX_PORTS, problems)
    wifi = read_many(WifiConfig, root, ("wifi",), MAX_WIFI, problems)
    sinks = read_many(MqttSinkConfig, sinks_table, ("sink", "mqtt"), MAX_SINKS, problems)
    if "port" not in root and "wifi" not in root:
        problems.append(Problem((), "there is no [[port]]; add one with the glob of the nodes' ports"))
    _only_once("glob", ports, ("port",), problems)
    _only_once("url", wifi, ("wifi",), problems)
    for index, broker in enumerate(wifi):
        if broker is not None:
            _check_access(broker, ("wifi", index), problems)
    _only_once("name", sinks, ("sink", "mqtt"), problems)
    for index, sink in enumerate(sinks):
        if sink is not None:
            _check_sink(sink, ("sink", "mqtt", index), problems)
    return Config(
        gateway=gateway,
        ports=tuple(port for port in ports if port is not None),
        wifi=tuple(broker for broker in wifi if broker is not None),
        store=_store(root, problems),
        clock=read_one(ClockConfig, root, ("clock",), problems) or ClockConfig(),
        mqtt_sinks=tuple(sink for sink in sinks if sink is not None),
        log=read_one(LogConfig, root, ("log",), problems) or LogConfig(),
    )


def _store(root: Mapping[str, object], problems: list[Problem]) -> StoreConfig:
    table = subtable(root, ("store",), problems)
    full = read_one(FullConfig, table, ("store", "full"), problems) or FullConfig()
    table.pop("full", None)
    return replace(read(StoreConfig, table, ("store",), problems) or StoreConfig(), full=full)


def _only_once(key: str, tables: Sequence[object], path: KeyPath, problems: list[Problem]) -> None:
    """No two of the tables may have the same value of `key`."""
    seen: set[object] = set()
    for index, table in enumerate(tables):
        value = getattr(table, key, None)
        if value in seen:
            where = (*path, index)
            message = f"{key} '{value}' in {title(where)} is taken by an earlier {title(where)}"
            problems.append(Problem((*where, key), message))
        if value is not None:
            seen.add(value)


def _check_sink(sink: MqttSinkConfig, path: KeyPath, problems: list[Problem]) -> None:
    if not sink.url and not sink.urls:
        problems.append(Problem(path, f"{title(path)} has no key 'url', which it must have, or 'urls'"))
    elif sink.url and sink.urls:
        problems.append(Problem((*path, "urls"), f"{title(path)} has both url and urls; write all into urls"))
    elif len({broker.tls for broker in sink.brokers}) > 1:
        problems.append(Problem((*path, "urls"), "urls must all be mqtt:// or all mqtts://"))
    else:
        _check_access(sink, path, problems)


def _check_access(table: MqttSinkConfig | WifiConfig, path: KeyPath, problems: list[Problem]) -> None:
    if table.ca_file is not None and not any(broker.tls for broker in table.brokers):
        problems.append(
            Problem((*path, "ca_file"), "ca_file does nothing with mqtt://; the url must be mqtts://")
        )
    if table.password_file is not None and table.user is None:
        problems.append(
            Problem((*path, "password_file"), f"password_file in {title(path)} needs the key user")
        )


def _completed(config: Config, folder: Path) -> Config:
    """Paths made absolute, client ids filled in: a broker disconnects the elder of two equal ones."""
    name = config.gateway.name
    return replace(
        config,
        gateway=replace(config.gateway, state_directory=folder / config.gateway.state_directory),
        wifi=tuple(
            replace(
                broker,
                password_file=broker.password_file and folder / broker.password_file,
                ca_file=broker.ca_file and folder / broker.ca_file,
                client_id=broker.client_id or f"fieldgate-{name}-nodes",
            )
            for broker in config.wifi
        ),
        mqtt_sinks=tuple(
            replace(
                sink,
                password_file=sink.password_file and folder / sink.password_file,
                ca_file=sink.ca_file and folder / sink.ca_file,
                client_id=sink.client_id
                or f"fieldgate-{name}{'' if sink.name == 'mqtt' else '-' + sink.name}",
            )
            for sink in config.mqtt_sinks
        ),
    )
