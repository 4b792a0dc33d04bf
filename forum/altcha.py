"""Proof of work by the protocol of ALTCHA: a browser's second of arithmetic, given out and checked, never a puzzle.

A proof belongs to one form: its challenge names the signature of the form's stamp.
"""

from __future__ import annotations

import base64
import datetime as dt
import json
import re
from typing import TYPE_CHECKING, Any

from .errors import SettingsError
from .settings import Settings
from .tokens import Keys

if TYPE_CHECKING:
    from altcha.v1 import Payload

# Tried one after the other until one fits: on average half of them, some tenths of a second on a phone.
LARGEST = 50_000
LIFE = dt.timedelta(hours=24)
_SEAL = re.compile(r"[A-Za-z0-9_-]{22}", re.ASCII)
# A payload is some 300 characters long.
_PAYLOAD_LENGTH = 2_000


def check(settings: Settings) -> None:
    """Raise SettingsError where proof of work is asked for and its package is missing."""
    if settings.proof_of_work and not is_installed():
        raise SettingsError(["FORUM_PROOF_OF_WORK = true needs its package: pip install 'flask-forum[altcha]'."])


def is_installed() -> bool:
    """Whether the extra is there; nothing is loaded that nobody needs."""
    try:
        import altcha  # noqa: F401 - only asked for; an extra that most sites do without
    except ImportError:
        return False
    return True


def seal_of(stamp: str) -> str:
    """The signature at the end of a form's stamp, by which a challenge names the form."""
    return stamp.rpartition(".")[2]


def challenge(keys: Keys, seal: str, now: dt.datetime) -> dict[str, Any] | None:
    """What a browser is to solve for the form with this seal, as ALTCHA's clients read it; None for no seal."""
    if not _SEAL.fullmatch(seal):
        return None
    from altcha.v1 import ChallengeOptions, create_challenge

    key, expires = keys.derive("proof")[0], now + LIFE
    made = create_challenge(ChallengeOptions(hmac_key=key, max_number=LARGEST, expires=expires, params={"form": seal}))
    return dict(made.to_dict())


def is_solved(keys: Keys, payload: str, seal: str, now: dt.datetime) -> bool:
    """Whether ``payload`` solves a challenge of ours that was made for the form with this seal and is not too old."""
    if not 0 < len(payload) <= _PAYLOAD_LENGTH or not is_installed():
        return False
    solution = _read(payload)
    return solution is not None and _fits(solution, seal, now) and _is_right(keys, solution)


def _read(payload: str) -> Payload | None:
    """The solution in a payload, if all is of the type that the package takes for granted."""
    from altcha.v1 import Payload

    try:
        found = json.loads(base64.b64decode(payload, validate=True))
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or type(found.get("number")) is not int:
        return None
    texts = ("algorithm", "challenge", "salt", "signature")
    is_whole = all(isinstance(found.get(name), str) and found[name].isascii() for name in texts)
    return Payload(**{name: found[name] for name in (*texts, "number")}) if is_whole else None


def _fits(solution: Payload, seal: str, now: dt.datetime) -> bool:
    from altcha.v1 import extract_params

    said = extract_params(solution.to_dict())
    expires = said.get("expires", [""])
    # One value each: of two that were signed, others might read the other.
    if said.get("form") != [seal] or len(expires) != 1 or not re.fullmatch("[0-9]{1,12}", expires[0]):
        return False
    return now.timestamp() <= int(expires[0])


def _is_right(keys: Keys, solution: Payload) -> bool:
    from altcha.v1 import verify_solution

    # Our own clock has judged the time.
    return any(verify_solution(solution, key, check_expires=False)[0] for key in keys.derive("proof"))
