"""Why a resource is refused. Each text begins with the reason in one word, for people and scripts.

What arrives from a content network is judged by the reader, and whatever fails while sealed bytes
are opened fails in one way: ``SealedBroken`` never tells which check it was.
"""

from domain.errors import BadUpstream, Conflict, Forbidden, NotFound


class SealedBroken(BadUpstream):
    """Sealed bytes do not open: damaged, cut, mixed up, or sealed with another key."""

    code = "sealed.broken"
    title = "What arrived is damaged, or was sealed for somebody else"


class PartDamaged(BadUpstream):
    """A part has other bytes than the signed manifest says."""

    code = "resource.part-damaged"
    title = "A part of the resource is not the one that its manifest describes"


class VersionMismatch(BadUpstream):
    """The parts and the manifest belong to different versions or resources."""

    code = "resource.version-mismatch"
    title = "The parts of the resource belong to different versions"


class Rollback(BadUpstream):
    """An older version was offered than the one this reader has seen."""

    code = "resource.rollback"
    title = "The source offers an older version than it did before"


class Stale(BadUpstream):
    """The manifest is too old to be trusted, or this machine's clock is wrong."""

    code = "resource.stale"
    title = "The description of the resource has expired"


class ManifestForged(BadUpstream):
    """The manifest was not signed by the node, or was changed since."""

    code = "manifest.forged"
    title = "The manifest was not signed by the node that it should come from"


class SourceChanged(Conflict):
    """The file being sealed became shorter or longer meanwhile."""

    code = "resource.source-changed"
    title = "The file changed while it was being read"


class DeviceMismatch(Forbidden):
    """The device is not the one that was bound."""

    code = "device.mismatch"
    title = "This is not the device that was registered"


class DeviceNotFound(NotFound):
    """No device of this user has this id."""

    code = "device.not-found"
    title = "No such device"
