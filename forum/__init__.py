"""Forum: the comment section for Flask sites. These names are the whole face; everything else may move."""

from . import signals
from .errors import ForumError, SettingsError
from .extension import Forum
from .identity import Identity
from .screening import Context, Draft, Verdict
from .site import create_app
from .sqlite import open_well
from .worker import drain

__all__ = [
    "Context",
    "Draft",
    "Forum",
    "ForumError",
    "Identity",
    "SettingsError",
    "Verdict",
    "create_app",
    "drain",
    "open_well",
    "signals",
]
