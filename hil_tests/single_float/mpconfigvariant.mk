# asyncio is frozen, as on a board. What the firmware has no use for is left out, or needs other libraries.
FROZEN_MANIFEST = $(TOP)/extmod/asyncio/manifest.py
PROG = micropython-single-float
MICROPY_PY_BTREE = 0
MICROPY_PY_FFI = 0
MICROPY_PY_SSL = 0
MICROPY_PY_THREAD = 0
MICROPY_VFS_FAT = 0
MICROPY_VFS_LFS1 = 0
