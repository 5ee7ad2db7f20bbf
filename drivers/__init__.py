"""One file per sensor chip. The same source runs on the ESP32 and on the Pi.

How to add one: docs/writing-a-driver.md.
"""
