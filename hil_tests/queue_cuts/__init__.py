"""The node's queue in flash, and a power cut at every operation of the flash under it."""
