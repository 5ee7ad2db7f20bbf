"""Settings with less to go wrong in them: what a node measures after many failed starts in a row."""

from firmware.launch import SAFE


def reduce(settings, stage: int) -> None:
    """Take the optional sensors out of checked settings, or in safe mode all of them."""
    kept = [
        at for at in range(len(settings.sensors)) if stage < SAFE and not settings.sensors[at]["optional"]
    ]
    settings.sensors = [settings.sensors[at] for at in kept]
    for group in settings.groups:
        group["sensors"] = [kept.index(at) for at in group["sensors"] if at in kept]
    settings.groups = [group for group in settings.groups if group["sensors"]]
