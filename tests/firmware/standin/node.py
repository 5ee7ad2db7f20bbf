"""Runs the firmware with its files in the directory that the environment names."""

import os

from firmware import app

app.main(os.getenv("FIELDGATE_ROOT") + "/")
