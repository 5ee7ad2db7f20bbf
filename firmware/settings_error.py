"""What is wrong with settings: settings.py says it, and what looks at checked ones with its board."""


class SettingsError(Exception):
    """A setting that cannot be used: `key` is its place in the file, such as sensors[1].gain."""

    def __init__(self, key: str, detail: str) -> None:
        super().__init__(key + ": " + detail)
        self.key = key
        self.detail = detail
