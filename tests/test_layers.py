"""The house is kept in order: imports point one way, and each outside library is known to one module."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
HOUSE = TESTS.parent / "forum"

# From the ground up. A module may import what stands beside it (without a circle) or before it, never after it.
PURE = {"errors", "language", "signals", "settings", "siteconfig", "tokens", "sanitize", "tree", "screening", "akismet"}
STORAGE = {"models", "sqlite", "clashes", "forks", "migrations"}
JOURNEY = {"articles", "threads", "comments", "addresses", "subscriptions", "outbox", "moderation", "audit"}
JOURNEY |= {"preferences", "overrides", "learning"}
MAIL = {"mail", "explain", "metrics"}
FLASK = {"cache", "logs", "network", "identity", "hooks", "state", "worker", "forms", "render", "counts", "blueprints"}
FLASK |= {"negotiation", "celery", "cli", "extension", "site", "limiting", "altcha"}
FACE = {"__init__", "__main__", "testing"}
LAYERS = [PURE, STORAGE, JOURNEY, MAIL, FLASK, FACE]

KNOWN_TO_ONE = {"bleach": "sanitize", "nh3": "sanitize", "flask_mail": "mail", "smtplib": "mail", "celery": "celery"}
KNOWN_TO_ONE |= {"prometheus_client": "metrics", "altcha": "altcha"}


@cache
def modules() -> dict[str, ast.Module]:
    """Every module of the package by its dotted name below `forum`; packages end in `__init__`."""
    # Alembic runs these by their path, as scripts: they are no part of the import graph.
    scripts = {HOUSE / "migrations/env.py", *HOUSE.glob("migrations/versions/*.py")}
    files = sorted(set(HOUSE.rglob("*.py")) - scripts)
    return {".".join(file.relative_to(HOUSE).with_suffix("").parts): ast.parse(file.read_bytes()) for file in files}


def room(module: str) -> str:
    """The name a module is known by in the order: `mail.compose` lives in `mail`."""
    return module.split(".")[0]


def floor(module: str) -> int:
    """How high in the house a module stands."""
    return next(number for number, layer in enumerate(LAYERS) if room(module) in layer)


def imported(module: str) -> Iterator[str]:
    """Absolute dotted names of all that ``module`` imports, at its top or inside a function."""
    package = ["forum", *module.split(".")[:-1]]
    for statement in ast.walk(modules()[module]):
        if isinstance(statement, ast.Import):
            yield from (alias.name for alias in statement.names)
        elif isinstance(statement, ast.ImportFrom):
            above = package[: len(package) + 1 - statement.level] if statement.level else []
            source = ".".join([*above, *filter(None, [statement.module])])
            yield from (f"{source}.{alias.name}" for alias in statement.names)


def siblings(module: str) -> Iterator[str]:
    """The modules of our own that ``module`` imports, by their names in :func:`modules`."""
    for name in filter(lambda name: name.startswith("forum."), imported(module)):
        parts = name.split(".")[1:]
        # `from .errors import NotFound` names a thing in a module, `from . import errors` the module.
        candidates = [
            ".".join([*parts[:end], *tail]) for end in (len(parts), len(parts) - 1) for tail in ([], ["__init__"])
        ]
        yield from [found for found in candidates if found in modules()][:1]


def outside(module: str) -> set[str]:
    """The top-level names of all that ``module`` imports."""
    return {name.split(".")[0] for name in imported(module)}


def test_every_module_has_its_place() -> None:
    """A new module is given a place in the order, here and in the design."""
    assert {room(module) for module in modules()} <= set().union(*LAYERS)


def test_contributors_see_the_same_order() -> None:
    """The table of CONTRIBUTING.md has the layers in their order, each with all its modules."""
    rows = re.findall(r"^\| [a-zA-Z]+ \| ([a-z, ]+) \| [^|]+ \|$", (TESTS.parent / "CONTRIBUTING.md").read_text(), re.M)
    assert [set(row.split(", ")) for row in rows] == LAYERS[: LAYERS.index(FACE)]


def test_what_alembic_runs_needs_no_name_of_ours() -> None:
    """A host may have a package called like ours: what Alembic runs by its path does not import it."""
    for script in [HOUSE / "migrations/env.py", *HOUSE.glob("migrations/versions/*.py")]:
        assert "forum" not in {
            name.split(".")[0]
            for node in ast.walk(ast.parse(script.read_bytes()))
            if isinstance(node, ast.Import | ast.ImportFrom)
            for name in [getattr(node, "module", None) or "", *(alias.name for alias in node.names)]
        }


def test_imports_point_down() -> None:
    """No module imports from a layer above its own."""
    upward = [
        f"{module} → {other}" for module in modules() for other in siblings(module) if floor(other) > floor(module)
    ]
    assert upward == []


def test_there_are_no_circles() -> None:
    """No module reaches itself through what it imports."""
    left = {module: set(siblings(module)) - {module} for module in modules()}
    while free := [module for module, needs in left.items() if not needs & left.keys()]:
        for module in free:
            del left[module]
    assert left == {}


def test_nobody_inside_imports_the_package_itself() -> None:
    """Modules import their siblings relatively, and none of them takes anything from the face."""
    for module in set(modules()) - FACE:
        assert "__init__" not in set(siblings(module)), module
        absolute = {
            alias.name for node in ast.walk(modules()[module]) if isinstance(node, ast.Import) for alias in node.names
        }
        absolute |= {
            str(node.module)
            for node in ast.walk(modules()[module])
            if isinstance(node, ast.ImportFrom) and not node.level
        }
        assert not {name for name in absolute if name.split(".")[0] == "forum"}, module


def test_the_pure_modules_know_neither_flask_nor_sqlalchemy() -> None:
    """What decides can be called without an application or a database."""
    for module in modules():
        if room(module) in PURE:
            assert not {name for name in outside(module) if name.startswith(("flask", "sqlalchemy", "werkzeug"))}, (
                module
            )


def test_the_journey_knows_no_request_and_never_commits() -> None:
    """Stations take a session and leave the commit to their caller."""
    for module in modules():
        if room(module) in JOURNEY | {"explain"}:
            assert not {name for name in outside(module) if name.startswith(("flask", "werkzeug"))}, module
            called = {node.attr for node in ast.walk(modules()[module]) if isinstance(node, ast.Attribute)}
            assert "commit" not in called, module


@pytest.mark.parametrize(("library", "knower"), KNOWN_TO_ONE.items())
def test_one_module_knows(library: str, knower: str) -> None:
    """Bleach and nh3 are known to `sanitize` alone, Flask-Mail and smtplib to `mail`."""
    assert {room(module) for module in modules() if library in outside(module)} <= {knower}


def test_every_test_makes_a_claim() -> None:
    """Each test says in its docstring, in a sentence, what is true if it passes."""
    mute = [
        f"{file.name}: {function.name}"
        for file in sorted(TESTS.rglob("test_*.py"))
        for function in ast.walk(ast.parse(file.read_bytes()))
        if isinstance(function, ast.FunctionDef) and function.name.startswith("test_")
        if not (ast.get_docstring(function) or "").rstrip("`").endswith(".")
    ]
    assert mute == []
