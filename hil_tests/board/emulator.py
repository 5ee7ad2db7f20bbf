"""The board's life: power, boots, resets, and who answers what the processor asks."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from hil_tests.board.boot_rom import BANNER, DOWNLOAD, MACHINE, Cause, download_text, rom_text
from hil_tests.board.child import codes
from hil_tests.board.chip_board import ChipBoard
from hil_tests.board.console import Console
from hil_tests.board.counters import Counters
from hil_tests.board.crystal import Crystal
from hil_tests.board.flash import Flash
from hil_tests.board.host import Host, Timer
from hil_tests.board.model import Model
from hil_tests.board.output import Output
from hil_tests.board.peripherals import Analog, Nvs, Rtc, Timers, Watchdog
from hil_tests.board.processor import Message, Processor, crashed
from hil_tests.board.uarts import Uarts
from hil_tests.board.wifi import Station

TICKS_LIMIT = 1 << 30
BOOT_PIN = 0  # the ROM looks at it when the power comes, or EN is let go
CRASH_PAUSE_S = 0.3  # from a panic to the next boot
_NVS_NOT_FOUND = -4354  # the ESP32's own errors are negative


class Emulator:
    """Lives in the host's thread."""

    def __init__(self, host: Host, model: Model, flash: Flash, nvs: Path, counters: Counters) -> None:
        self.chips = ChipBoard(host, model.wiring, model.chips)
        self.console = Console(host, self, counters, BANNER, model.link)
        self.uarts = Uarts(host, model.wiring.uarts)
        self._host = host
        self._model = model
        self._flash = flash
        self._counters = counters
        self.rtc = Rtc(host)
        self._nvs = Nvs(nvs)
        self.analog = Analog()
        self._timers = Timers(host)
        self.station = Station(host, model.access_point, model.uid[-1] or 1)
        self._watchdog = Watchdog(host, self._on_watchdog)
        self._processor: Processor | None = None
        self._cause = Cause.POWER_ON
        self._run_boot = self._run_main = True
        self._crystal = Crystal(host, model.first_ticks_us, model.drift_ppm)
        self.console.ring.on_put = self._crystal.wake
        for ring in self.uarts.rings.values():
            ring.on_put = self._crystal.wake
        self._wake: Timer | None = None
        self._output = Output(host, self.console, self.uarts, model.console_baud)
        self._queries: dict[str, Callable[..., Any]] = {
            "boot": self._config,
            "mounted": self._on_mounted,
            "i2c": self.chips.bus,
            "spi": self.chips.spi.open,
            "timer": lambda number, us, mode: self._timers.set(self._processor, number, us, mode),
            "microvolts": lambda pin: self.analog.microvolts.get(pin, 0),
            "chip_celsius": lambda: self.analog.chip_celsius,
            "uart": self.uarts.open,
            "wdt": lambda ms: self._watchdog.arm(ms / 1000),
            "reset": lambda: self.hard_reset(Cause.HARD),
            "deepsleep": self._sleep,
            "bootloader": self._download,
            "rtc_offset": lambda offset: setattr(self.rtc, "offset_ns", offset),
            "rtc_memory": self.rtc.memory_hex,
            "rtc_store": self.rtc.store_hex,
            "nvs_set": self._nvs.store,
            "nvs_get": self._nvs.fetch,
            "nvs_erase": self._nvs.erase,
            "nvs_commit": self._nvs.commit,
            "wifi_mac": lambda: [0, model.uid.hex()],
            **self.station.queries(),
        }

    @property
    def pid(self) -> int | None:
        """The process that is the processor now."""
        return self._processor.pid if self._processor else None

    # Power and resets

    def power_on(self) -> None:
        """Does nothing to a board that has power."""
        if self._processor is None:
            self.press_enable()

    def press_enable(self) -> None:
        """The EN button; also the end of deep sleep, download mode and a crash. Looks at the BOOT button."""
        self.rtc.power_on()
        if self.chips.pins.held_low(BOOT_PIN):
            self._download(download_text())
        else:
            self.hard_reset(Cause.POWER_ON)

    def power_off(self) -> None:
        """At once, whatever the processor is doing."""
        self._stop(cold=True)
        self._watchdog.disarm()

    def brown_out(self) -> None:
        """The supply dips: its detector resets the chip, and the RTC's RAM may have lost bits."""
        self.console.say_text(b"\n\nBrownout detector was triggered\n\n")
        self.rtc.dip()
        self.hard_reset(Cause.POWER_ON, rom_cause=Cause.HARD)

    def hard_reset(self, cause: Cause, rom_cause: Cause | None = None) -> None:
        """From any state into a boot; `rom_cause` is what the ROM says where that is another."""
        self._stop(cold=True)
        self._watchdog.disarm()
        self._nvs.power_on()
        self._crystal.reset()
        self.console.say_text(rom_text(rom_cause or cause))
        self._start(cause, run_boot=True, run_main=True)

    def soft_reset(self) -> None:
        """As Ctrl-D at the prompt, and SystemExit."""
        self.console.say(b"MPY: soft reboot\r\n")
        self._stop(cold=False)
        self._start(Cause.SOFT, run_boot=True, run_main=not self.console.raw)

    def restart_into_repl(self) -> None:
        """For a program that does not let go: its variables are lost, nothing else."""
        self._stop(cold=False)
        self._start(self._cause, run_boot=False, run_main=False)

    def close(self) -> None:
        """Give everything back; the object is then used up."""
        self.power_off()
        self.console.line.unplug()
        self.console.ring.close()
        self.uarts.close()

    def _start(self, cause: Cause, *, run_boot: bool, run_main: bool) -> None:
        self._cause = cause
        self._run_boot, self._run_main = run_boot, run_main
        if run_boot:
            self._counters.boots[cause.name.lower()] += 1
        model = self._model
        self.uarts.powered = True
        inputs = {0: self.console.ring, **self.uarts.rings}
        self._processor = Processor(self._host, self, model.program, model.heap_octets, inputs)
        self._processor.on_news = self._crystal.wake
        self.station.begin(self._processor)

    def _stop(self, *, cold: bool) -> None:
        if self._wake is not None:
            self._wake.cancel()
            self._wake = None
        if self._processor is not None:
            self._processor.drain_text()
            self._processor.end()
            self._processor = None
        self._crystal.stop()
        self.chips.pins.off()
        self._timers.stop()
        if cold:
            self.station.off()
        self.console.off(cold=cold)
        self.uarts.off()

    # What the processor says

    def on_text(self, octets: bytes) -> None:
        """`print`, and whatever the interpreter itself has to say."""
        self.console.say_text(octets)
        processor = self._processor
        if self.console.line.busy and processor is not None:
            processor.hold_text()
            self.console.line.when_free(processor.hear_text)

    def on_death(self, status: int) -> None:
        """The interpreter itself is dead: what a panic is to an ESP32."""
        self._counters.crashes += 1
        self._stop(cold=True)
        self.console.say_text(
            f"Guru Meditation Error: Core  0 panic'ed ({crashed(status)}).\nRebooting...\n".encode()
        )
        self._wake = self._host.after(CRASH_PAUSE_S, lambda: self.hard_reset(Cause.HARD))

    def on_message(self, message: Message) -> None:
        """Answer, unless the message ended the processor that waits for it."""
        processor = self._processor
        assert processor is not None
        match message.code:
            case codes.PIN_DRIVE:
                self.chips.pins.drive(message.small, message.value)
            case codes.PIN_SENSE:
                level = self.chips.pins.sense(message.small)
                self.chips.pins.foretell(processor, message.small)
                processor.send(codes.VALUE, value=level)
            case codes.PIN_PULSES:
                self.chips.pins.pulse(message.value >> 1, message.value & 1)
            case codes.I2C:
                self._transfer(processor, message)
            case codes.WAIT:
                processor.drain_text()
                self._crystal.wait(processor, message.value)
            case codes.PASSED:
                self._crystal.pass_us(message.value)
            case codes.PIN_MODE:
                self.chips.pins.set_mode(message.small, message.value)
            case codes.SPI:
                processor.send(codes.DATA, octets=self.chips.spi.transfer(message.small, message.octets))
            case codes.ONE_WIRE:
                bits = self.chips.one_wire.carry_out(message.small, message.middle, message.value)
                processor.send(codes.VALUE, value=bits)
            case codes.WRITE:
                self._output.write(processor, message.small, message.octets)
            case codes.WDT_FEED:
                self._watchdog.feed()
            case codes.WAITING:
                processor.send(codes.VALUE, value=self.uarts.waiting(message.small))
            case codes.PIN_IRQ:
                self.chips.pins.watch(processor, message.small, message.value)
            case codes.KBD_INTR:
                self.console.set_interrupt_octet(message.value)
                processor.send(codes.VALUE)
            case codes.INTERRUPTED:
                self.console.interrupted()
            case codes.DONE:
                processor.drain_text()
                self.console.done(message.small, message.octets)
            case codes.ASK:
                self._answer(processor, message)
            case _:
                raise ValueError(f"the processor said {message}")

    def _transfer(self, processor: Processor, message: Message) -> None:
        fault, octets = self.chips.transfer(message)
        if octets:
            processor.send(codes.DATA, fault, octets=octets)
        else:
            processor.send(codes.VALUE, fault)

    def _answer(self, processor: Processor, message: Message) -> None:
        name, *arguments = json.loads(message.octets)
        fault = 0
        answer = None
        try:
            answer = self._queries[name](*arguments)
        except KeyError:
            if not name.startswith("nvs"):
                raise
            fault = _NVS_NOT_FOUND
        if processor is self._processor:
            processor.send(codes.DATA, octets=json.dumps([fault, answer]).encode())

    # Queries

    def _config(self) -> Mapping[str, Any]:
        shown_us = self._crystal.shown_us()
        assert self._processor is not None
        return {
            "uid": self._model.uid.hex(),
            "cause": self._cause,
            "machine": MACHINE,
            "flash": str(self._flash.path),
            "flash_log": self._flash.log_for_boot(),
            "run_boot": self._run_boot,
            "run_main": self._run_main,
            "virtual": self._host.virtual,
            "seed": self._host.seed * 1000 + self._counters.boots.total(),
            "realtime_ns": self._host.realtime_ns(),
            "ticks_us": shown_us % TICKS_LIMIT,
            "ticks_ms": shown_us // 1000 % TICKS_LIMIT,
            "rest_us": shown_us % 1000,
            "drift_ppm": self._model.drift_ppm,
            "rtc_offset_ns": self.rtc.offset_ns,
            "uarts": self._processor.uart_fds,
        }

    def _on_mounted(self) -> None:
        assert self._processor is not None
        self.console.on(self._processor)

    def _sleep(self, sleep_ms: int) -> None:
        self._stop(cold=True)
        self._watchdog.disarm()
        if sleep_ms:
            sleep_s = self.rtc.asleep_for(sleep_ms)
            self._wake = self._host.after(sleep_s, lambda: self.hard_reset(Cause.DEEP_SLEEP))

    def _download(self, text: bytes = DOWNLOAD) -> None:
        self._stop(cold=True)
        self._watchdog.disarm()
        self.console.say_text(text)

    def _on_watchdog(self) -> None:
        self.console.say_text(b"E (0) task_wdt: Task watchdog got triggered.\nRebooting...\n")
        self.hard_reset(Cause.WATCHDOG)
