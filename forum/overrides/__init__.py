"""Policy keys that admins changed on the settings page: kept in the database, over the file and the environment."""

from .polled import Polled
from .stored import Override, change, check, effective, load, reset, version, wrong

__all__ = ["Override", "Polled", "change", "check", "effective", "load", "reset", "version", "wrong"]
