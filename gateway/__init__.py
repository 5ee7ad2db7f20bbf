"""The agent on the Pi: ports, sessions, clock, store, sinks, status."""
