"""Puts files into a flash image and gets them out, with no board running.

put IMAGE LOG    stdin: struct "<HI" + path + octets, for each file
get IMAGE PATH   stdout: the file's octets; exits with NO_SUCH_FILE
"""

import errno
import os
import struct
import sys

import flash
from codes import NO_SUCH_FILE

_HEAD = "<HI"


def _make_directories(path):
    at = path.find("/", 1)
    while at > 0:
        try:
            os.mkdir(path[:at])
        except OSError:
            pass  # there already; if not, open says so
        at = path.find("/", at + 1)


def put(image, log):
    source = sys.stdin.buffer
    flash.mount(image, log)
    while True:
        head = source.read(struct.calcsize(_HEAD))
        if not head:
            break
        path_octets, octets = struct.unpack(_HEAD, head)
        path = source.read(path_octets).decode()
        _make_directories(path)
        with open(path, "wb") as file:
            while octets:
                chunk = source.read(min(octets, 4096))
                file.write(chunk)
                octets -= len(chunk)


def get(image, path):
    flash.mount(image)
    try:
        file = open(path, "rb")
    except OSError as error:
        if error.errno != errno.ENOENT:
            raise
        print("ENOENT:", path)
        sys.exit(NO_SUCH_FILE)
    while True:
        chunk = file.read(4096)
        if not chunk:
            break
        sys.stdout.buffer.write(chunk)
