"""The subcommands of `fieldgate` that the gateway brings."""
