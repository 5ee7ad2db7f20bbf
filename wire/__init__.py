"""The language between node and gateway: framing, messages, session.

Runs on MicroPython and CPython from the same source. No I/O, no clock.
"""
