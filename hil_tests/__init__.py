"""Emulated boards, faulty lines, real brokers, and the tests that run the whole chain."""
