"""What only the ESP32 runs: launcher, sampler, queue, link task, settings. MicroPython only."""

VERSION = "0.1.0"
