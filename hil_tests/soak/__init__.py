"""The fault tests for as long as one likes: bounded, from a seed, with a ledger of what was counted."""
