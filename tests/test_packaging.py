"""What is published: the wheel holds the package and all it needs, the sdist can be built again."""

from __future__ import annotations

import re
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import venv
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the sdist of this checkout and the wheel made from that sdist."""
    out = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", out, ROOT)
    return out


@pytest.fixture(scope="module")
def wheel(dist: Path) -> Path:
    """The wheel."""
    return next(dist.glob("*.whl"))


@pytest.fixture(scope="module")
def fresh(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment that has the wheel, and our dependencies from here instead of the network."""
    home = tmp_path_factory.mktemp("fresh") / "venv"
    venv.create(home, with_pip=False, symlinks=True)
    here, there = (sysconfig.get_path("purelib", vars=where) for where in ({}, {"base": home, "platbase": home}))
    # Directories named in a .pth file do not have their own .pth files read: our editable self stays behind.
    Path(there, "dependencies.pth").write_text(here + "\n")
    python = home / "bin" / "python"
    pip = (Path(sys.base_prefix, "bin", "python3"), "-m", "pip", "--python", python)
    run(*pip, "install", "--no-deps", "--no-index", wheel)
    return python


def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    """Everything below `forum/` is in the wheel; tests, configuration and the reference site are not."""
    inside = set(zipfile.ZipFile(wheel).namelist())
    files = {path for path in ROOT.glob("forum/**/*") if path.is_file() and "__pycache__" not in path.parts}
    assert {name for name in inside if ".dist-info/" not in name} == {str(path.relative_to(ROOT)) for path in files}


@pytest.mark.parametrize("needed", ["py.typed", "templates/forum/", "static/", "migrations/versions/"])
def test_the_wheel_needs_nothing_beside_it(wheel: Path, needed: str) -> None:
    """Types, templates, static files and migrations travel with the package."""
    assert any(name.startswith(f"forum/{needed}") for name in zipfile.ZipFile(wheel).namelist())


def test_the_sdist_can_be_tested(dist: Path) -> None:
    """Whoever packages Forum finds the tests and the site they run in the sdist, and nothing generated."""
    with tarfile.open(next(dist.glob("*.tar.gz"))) as archive:
        inside = {name.partition("/")[2] for name in archive.getnames()}
    assert {"LICENSE", "README.md", "pyproject.toml", "wsgi.py", "tests/test_packaging.py"} <= inside
    assert not {name for name in inside if re.search(r"(^|/)(\.venv|instance|__pycache__)(/|$)", name)}


def test_an_installed_wheel_serves_its_front_page(fresh: Path, tmp_path: Path) -> None:
    """`pip install` and `flask --app forum run` in an empty directory are enough to see a page."""
    with serving(fresh, tmp_path) as address, urlopen(address, timeout=30) as answer:
        assert answer.status == 200
        assert b"<html" in answer.read()


def test_the_lock_fits_what_is_asked_for() -> None:
    """Every requirement of the project, its extras, its tests and its build is in the lock, in a version that fits."""
    asked = tomllib.loads((ROOT / "pyproject.toml").read_text())
    lines = [*asked["project"]["dependencies"], *asked["dependency-groups"]["dev"], *asked["build-system"]["requires"]]
    lines += [line for extra in asked["project"]["optional-dependencies"].values() for line in extra]
    locked = dict(re.findall(r"^([\w.-]+)==([\w.]+)", (ROOT / "requirements/development.txt").read_text(), re.M))
    for wanted in map(Requirement, lines):
        assert wanted.specifier.contains(locked[wanted.name.lower()]), wanted


def test_the_lock_names_no_index_and_builds_nothing() -> None:
    """Any index or mirror will do, every file is hashed, and no compiler is needed."""
    lines = (ROOT / "requirements/development.txt").read_text().replace("\\\n", "").splitlines()
    options = [line for line in lines if line.startswith("-")]
    assert options == ["--only-binary :all:"]
    assert all("--hash=sha256:" in line for line in lines if line and line not in options)


@contextmanager
def serving(python: Path, directory: Path) -> Iterator[str]:
    """Run the wheel's own application on a free port and give its address."""
    command = [str(python), "-m", "flask", "--app", "forum", "run", "--port", "0"]
    environ = {"PATH": "/usr/bin:/bin", "HOME": str(directory)}
    with subprocess.Popen(command, cwd=directory, env=environ, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        said = ""
        try:
            for line in server.stderr:
                said += line
                if found := re.search(r"Running on (http://\S+)", line):
                    yield found[1]
                    return
            pytest.fail(f"The server ended before it listened:\n{said}")
        finally:
            server.terminate()


def run(*command: str | Path) -> None:
    """Run a command that must succeed; if it does not, the failure shows what it said."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, done.stdout
