"""What people may do with resources; the numbers and names are fixed by the resource API."""

from enum import IntEnum


class ResourceRole(IntEnum):
    """From nothing to everything. A higher number does not include a lower one's rights."""

    NONE = 0
    OPERATOR = 10
    VALIDATOR = 20
    COMPANION_PC = 30
    ADMIN = 40
    RESOURCE_UPLOADER = 50
    API_ADMIN = 1000

    @property
    def label(self) -> str:
        """The role's name in tokens and answers."""
        return _LABELS[self]


_LABELS = {
    ResourceRole.NONE: "NONE",
    ResourceRole.OPERATOR: "Operator",
    ResourceRole.VALIDATOR: "Validator",
    ResourceRole.COMPANION_PC: "CompanionPC",
    ResourceRole.ADMIN: "Admin",
    ResourceRole.RESOURCE_UPLOADER: "ResourceUploader",
    ResourceRole.API_ADMIN: "ApiAdmin",
}
_ROLES = {label: role for role, label in _LABELS.items()}
_UPLOADERS = {ResourceRole.RESOURCE_UPLOADER, ResourceRole.ADMIN, ResourceRole.API_ADMIN}
_ADMINS = {ResourceRole.ADMIN, ResourceRole.API_ADMIN}


def role_of(text: str) -> ResourceRole:
    """Return the role of that name, written exactly so; NONE for every other text."""
    return _ROLES.get(text, ResourceRole.NONE)


def may_read(role: ResourceRole) -> bool:
    """Tell whether the role reads the folders that it was granted."""
    return role >= ResourceRole.OPERATOR


def may_upload(role: ResourceRole) -> bool:
    """Tell whether the role makes new versions."""
    return role in _UPLOADERS


def may_administer(role: ResourceRole) -> bool:
    """Tell whether the role resets devices and changes grants."""
    return role in _ADMINS
