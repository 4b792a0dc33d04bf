"""What a site may decide: every FORUM_* key of a configuration in, one frozen, validated ``Settings`` out."""

from .foreign import FOREIGN
from .groups import GROUPS
from .model import Settings
from .problems import beside_the_field, check_foreign, ignored, mask, nearest
from .reference import allowed, bounds, choices, default, group, is_policy, key_of, label, reference
from .texts import parse

__all__ = [
    "FOREIGN",
    "GROUPS",
    "Settings",
    "allowed",
    "beside_the_field",
    "bounds",
    "check_foreign",
    "choices",
    "default",
    "group",
    "ignored",
    "is_policy",
    "key_of",
    "label",
    "mask",
    "nearest",
    "parse",
    "reference",
]
