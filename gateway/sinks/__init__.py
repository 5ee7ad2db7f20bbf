"""Where readings go: one durable cursor for each sink."""
