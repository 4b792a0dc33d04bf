"""The words people read, in their language: our own gettext catalogs, and which of them counts at the moment.

In Python, text that is shown is wrapped where it is written, values by name; a table made at import is marked with
`N_` and translated when it is shown::

    from .language import N_, gettext as _, ngettext, pgettext

    _("This page is closed.")
    _("Reply to %(name)s", name=comment.name)
    ngettext("%(n)s reply", "%(n)s replies", count)
    pgettext("button", "Mute")
    TITLES = {"gone": N_("It is gone")}; _(TITLES["gone"])

In templates the same functions are called `forum_gettext`, `forum_ngettext` and `forum_pgettext`: a page of ours may
stand on a base page of the host, whose own `_` must go on to mean the host's catalog. They escape whatever is put into
a sentence unless it is Markup, and the translated sentence itself. `forum_date`, `forum_moment`, `forum_ago` and
`forum_number` write dates and numbers, `forum_language()` the attributes `lang` and `dir` of the element around our
words.

What is kept for several readers is kept by :func:`current`. Outside a request everything is English unless
:func:`using` says otherwise. Each sentence is one message: never put two translations together.
"""

from .catalogs import N_, NP_, current, follow, gettext, ngettext, pgettext, using
from .formats import ago, brief, brief_day, date, day, moment, number
from .tags import LANGUAGES, OURS, closest, direction, folders
from .templates import FUNCTIONS

__all__ = [
    "FUNCTIONS",
    "LANGUAGES",
    "NP_",
    "N_",
    "OURS",
    "ago",
    "brief",
    "brief_day",
    "closest",
    "current",
    "date",
    "day",
    "direction",
    "folders",
    "follow",
    "gettext",
    "moment",
    "ngettext",
    "number",
    "pgettext",
    "using",
]
