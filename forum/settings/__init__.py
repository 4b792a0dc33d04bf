"""What a site may decide: every FORUM_* key of a configuration in, one frozen, validated ``Settings`` out."""

from .foreign import FOREIGN
from .model import Settings
from .problems import check_foreign, ignored, mask, nearest
from .reference import allowed, default, is_policy, key_of, reference
from .texts import parse

__all__ = [
    "FOREIGN",
    "Settings",
    "allowed",
    "check_foreign",
    "default",
    "ignored",
    "is_policy",
    "key_of",
    "mask",
    "nearest",
    "parse",
    "reference",
]
