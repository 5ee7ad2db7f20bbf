"""`fieldgate run`: the agent, in the foreground, as a systemd unit or a person starts it."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import click

from gateway import log as logs
from gateway.commands.options import DEFAULT_CONFIG, load_config
from gateway.config import STATE_DIRECTORY
from gateway.failure import ExitCode, Failure, InvalidInput
from gateway.status import program_version
from gateway.status_text import duration, summary
from gateway.systemd_notify import Notifier

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.config import Config
    from gateway.gateway import Gateway
    from gateway.status import Status
    from gateway.systemd_notify import Progress

log = logging.getLogger(__name__)

WATCH_PERIOD_S = 10.0
FEEDS_PER_WATCHDOG = 3  # one or two late feeds do not kill the service


class Service(Protocol):
    """What is run: gateway.gateway.Gateway."""

    progress: Progress

    async def run(self) -> None:
        """Work until cancelled."""

    def status(self) -> Status:
        """How it is now."""


@click.command()
@click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path, readable=False),
    default=DEFAULT_CONFIG,
    show_default=True,
    help="The configuration.",
)
@click.option(
    "--state",
    "state_directory",
    type=click.Path(path_type=Path),
    help="The state directory, in place of the configuration's.",
)
@click.option(
    "--capture",
    type=click.Path(path_type=Path, file_okay=False),
    help="Keep the raw octets of every line in this directory; it grows without limit.",
)
def run(config_path: Path, state_directory: Path | None, capture: Path | None) -> None:
    """Run the gateway until SIGTERM or Ctrl-C.

    It starts without brokers, ports, clock and network, and waits for a store that cannot be opened;
    only an invalid configuration (exit code 2) and another agent with the same state directory
    (exit code 1) stop it.
    """
    config = with_state_directory(load_config(config_path), state_directory, os.environ)
    logs.set_up(config.log.level, sys.stderr, os.environ)
    service = _gateway(config, capture)
    log.info(
        "fieldgate %s begins: %s, gateway %s, state directory %s",
        program_version(),
        config_path.absolute(),
        config.gateway.name,
        config.gateway.state_directory,
    )
    try:
        asyncio.run(serve(service, Notifier.from_environment(os.environ)))
    except BaseExceptionGroup as group:
        _tell_of_the_store(group, config)
        log.critical("the gateway ended because of a mistake in its program", exc_info=True)
        sys.exit(ExitCode.FAULT)


def _gateway(config: Config, capture: Path | None) -> Gateway:
    """Ready to run. Raises Failure where the folder of the capture cannot be made."""
    # Here, for `--help` and a wrong file need none of it.
    from gateway.gateway import Gateway  # noqa: PLC0415

    try:
        if capture is not None:
            capture.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        step = "choose a directory that this user may write into"
        raise InvalidInput(f"--capture {capture}: {error.strerror}", next_step=step) from None
    return Gateway(config, capture=capture)


def _tell_of_the_store(group: BaseExceptionGroup[BaseException], config: Config) -> None:
    """Raise Failure when what ended it is that another agent has the store."""
    from gateway.state_directory import NEXT_STEPS, OTHER_STEP  # noqa: PLC0415
    from gateway.store import StoreError  # noqa: PLC0415

    found: BaseException = group
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    if isinstance(found, StoreError) and found.reason == "in_use":
        step = NEXT_STEPS.get(found.reason, OTHER_STEP).format(directory=config.gateway.state_directory)
        raise Failure(f"the store cannot be opened ({found.reason}): {found}", next_step=step) from None


def with_state_directory(config: Config, chosen: Path | None, environ: Mapping[str, str]) -> Config:
    """The command line decides, then the configuration, then systemd's StateDirectory=."""
    if (
        chosen is None
        and config.gateway.state_directory == STATE_DIRECTORY
        and environ.get("STATE_DIRECTORY")
    ):
        chosen = Path(environ["STATE_DIRECTORY"].split(":")[0])
    if chosen is None:
        return config
    return replace(config, gateway=replace(config.gateway, state_directory=chosen.absolute()))


async def serve(service: Service, notifier: Notifier) -> None:
    """Run the service until it ends or a signal ends it; tell systemd how it is.

    The first SIGTERM or SIGINT ends it cleanly, the second one at once.
    """
    loop = asyncio.get_running_loop()
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(service.run(), name="service")
        watching = tasks.create_task(watch(service, notifier), name="watch")

        def stop(received: signal.Signals) -> None:
            log.info("%s: ending", received.name)
            notifier.stopping()
            for each in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(each)
            running.cancel()

        for each in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(each, stop, each)
        notifier.ready()
        await asyncio.wait([running])
        watching.cancel()
    log.info("ended")


async def watch(service: Service, notifier: Notifier) -> None:
    """Feed the watchdog as long as every stage of the service moves or is idle for a reason."""
    period_s = min(WATCH_PERIOD_S, (notifier.watchdog_s or WATCH_PERIOD_S) / FEEDS_PER_WATCHDOG)
    complained: set[str] = set()
    while True:
        stuck = service.progress.stuck()
        for name in stuck.keys() - complained:
            log.error("%s has not moved for %.0f s", name, stuck[name])
        complained = set(stuck)
        if stuck:
            notifier.status("stuck: " + ", ".join(f"{name} {duration(age)}" for name, age in stuck.items()))
        else:
            notifier.alive()
            notifier.status(summary(service.status()))
        await asyncio.sleep(period_s)
