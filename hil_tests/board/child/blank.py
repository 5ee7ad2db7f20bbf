"""What shim.module makes modules of."""
