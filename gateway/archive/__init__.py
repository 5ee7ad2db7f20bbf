"""Archives: records of a store in one file, for the way home on a stick (docs/archive.md)."""
