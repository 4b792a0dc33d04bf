"""The same functions as templates call them, under names that no host uses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from jinja2 import pass_eval_context
from jinja2.nodes import EvalContext
from markupsafe import Markup, escape

from . import catalogs, formats
from .tags import direction


@pass_eval_context
def _gettext(template: EvalContext, message: str, /, **values: object) -> str:
    return _filled(template, catalogs.gettext(message), values)


@pass_eval_context
def _pgettext(template: EvalContext, context: str, message: str, /, **values: object) -> str:
    return _filled(template, catalogs.pgettext(context, message), values)


@pass_eval_context
def _ngettext(template: EvalContext, one: str, many: str, n: int, /, **values: object) -> str:
    return _filled(template, catalogs.plural(one, many, n), {"n": catalogs.grouped(n), **values})


def _filled(template: EvalContext, said: str, values: Mapping[str, object]) -> str:
    # Escaped before anything is put in: a catalog brings words and never markup.
    sentence = escape(said) if template.autoescape else said
    return sentence % values if values else sentence


def _attributes() -> Markup:
    language = catalogs.current()
    return Markup('lang="{}" dir="{}"').format(language, direction(language))


# In templates a value that is Markup stays markup inside the sentence it is put into.
FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    "forum_gettext": _gettext,
    "forum_ngettext": _ngettext,
    "forum_pgettext": _pgettext,
    "forum_date": formats.date,
    "forum_moment": formats.moment,
    "forum_ago": formats.ago,
    "forum_number": formats.number,
    "forum_language": _attributes,
}
