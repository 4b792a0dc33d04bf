"""The smallest host: a database, Forum, and one page; for what the blog would only make longer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask import Flask, render_template_string, request
from flask_sqlalchemy import SQLAlchemy
from jinja2 import ChoiceLoader, DictLoader

from forum import Forum, Identity
from tests.hosts.people import RELAXED

THREAD = "{{ forum_thread('page', title='The page', url='/') }}"


def bare_host(**config: Any) -> Flask:
    """An app that could become a host."""
    app = Flask("bare_host", template_folder=None)
    app.config.update({"SECRET_KEY": "x", "SQLALCHEMY_DATABASE_URI": "sqlite://", **config})
    return app


def one_page(
    template: str = THREAD,
    forum: Forum | None = None,
    *,
    render: Callable[[str], Any] = render_template_string,
    relaxed: Mapping[str, Any] = RELAXED,
    url_prefix: str = "/forum",
    articles: bool = False,
    **config: Any,
) -> Flask:
    """A host whose one page, at `/`, is ``template``."""
    app = bare_host(**{**relaxed, **config})
    SQLAlchemy(app)
    (forum or Forum()).init_app(app, url_prefix=url_prefix, articles=articles)
    app.add_url_rule("/", "page", lambda: render(template))
    return app


def also(app: Flask, templates: dict[str, str]) -> None:
    """Give a host templates of its own, which win over ours as those in its folder do."""
    app.jinja_loader = ChoiceLoader([DictLoader(templates)])


def known_by_header() -> Identity | None:
    """An identity hook: whoever says who they are is believed."""
    ref = request.headers.get("X-Person")
    return Identity(ref, f"Person {ref}", f"{ref}@host.example") if ref else None
