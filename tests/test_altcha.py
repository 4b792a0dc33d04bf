"""Proof of work: given out for one form, solved by anybody's arithmetic, good once."""

from __future__ import annotations

import base64
import datetime as dt
import json
import sys
from collections.abc import Callable
from typing import Any

import pytest
from altcha.v1 import Payload, hash_hex, hmac_hex, solve_challenge

from forum import SettingsError, altcha
from forum.settings import Settings
from forum.tokens import Keys
from tests.visitors import Clock, Site, Visitor, comment_id

MakeSite = Callable[..., Site]
NOW = Clock()()
KEYS = Keys(["a secret for tests"])
SEAL = "s" * 22


@pytest.fixture
def working(make_site: MakeSite) -> Site:
    """A site that asks for work and else for nothing."""
    site = make_site(FORUM_PROOF_OF_WORK=True, FORUM_MODERATION="first", FORUM_TRUST_UNCONFIRMED=True)
    site.add_article()
    return site


def solve(task: dict[str, Any]) -> str:
    """What a browser makes of a challenge, by the package's own arithmetic."""
    found = solve_challenge(task["challenge"], task["salt"], task["algorithm"], task["maxNumber"])
    assert found is not None
    solution = {name: task[name] for name in ("algorithm", "challenge", "salt", "signature")}
    return Payload(**solution, number=found.number).to_base64()


def given_out() -> dict[str, Any]:
    """A challenge for a form."""
    task = altcha.challenge(KEYS, SEAL, NOW)
    assert task is not None
    return task


def changed(payload: str, **values: Any) -> str:
    """A payload with other values in it."""
    return base64.b64encode(json.dumps(json.loads(base64.b64decode(payload)) | values).encode()).decode()


def proved(visitor: Visitor, stamp: str) -> str:
    """The proof of a form, fetched and solved as its page does it."""
    answer = visitor.get(f"/forum/proof/{altcha.seal_of(stamp)}.json")
    assert answer.headers["Cache-Control"] == "private, no-store"
    return solve(answer.json or {})


def reasons(site: Site, visitor: Visitor, **fields: Any) -> list[str]:
    return site.get(comment_id(visitor.post(**fields))).reasons


def test_a_solution_is_accepted() -> None:
    """The right number for a challenge of ours is a proof, until a day has passed."""
    payload = solve(given_out())
    assert altcha.is_solved(KEYS, payload, SEAL, NOW)
    assert altcha.is_solved(KEYS, payload, SEAL, NOW + dt.timedelta(hours=24))
    assert not altcha.is_solved(KEYS, payload, SEAL, NOW + dt.timedelta(hours=24, seconds=1))


def test_a_proof_belongs_to_its_form() -> None:
    """What was solved for one form proves nothing for another."""
    assert not altcha.is_solved(KEYS, solve(given_out()), "t" * 22, NOW)


def test_a_proof_outlives_a_new_secret() -> None:
    """A challenge that was signed with a secret which is only a fallback by now is still good."""
    payload = solve(given_out())
    assert altcha.is_solved(Keys(["a newer secret", "a secret for tests"]), payload, SEAL, NOW)
    assert not altcha.is_solved(Keys(["a newer secret"]), payload, SEAL, NOW)


@pytest.mark.parametrize(
    "values",
    [
        {"number": -1},
        {"number": "1"},
        {"number": True},
        {"number": None},
        {"algorithm": "SHA-1"},
        {"algorithm": "none"},
        {"signature": "0" * 64},
        {"signature": None},
        {"signature": "ä"},
        {"challenge": []},
        {"salt": ""},
        {"salt": "?form=ssssssssssssssssssssss&expires=99999999999&"},
    ],
)
def test_a_changed_proof_is_none(values: dict[str, Any]) -> None:
    """Whatever of a proof is changed, it is refused, and nothing breaks."""
    assert not altcha.is_solved(KEYS, changed(solve(given_out()), **values), SEAL, NOW)


def signed(salt: str) -> str:
    """A solved payload with this salt and a signature of ours."""
    challenge = hash_hex("SHA-256", f"{salt}7".encode())
    signature = hmac_hex("SHA-256", challenge.encode(), KEYS.derive("proof")[0])
    return Payload("SHA-256", challenge, 7, salt, signature).to_base64()


def test_what_is_said_twice_counts_for_nothing() -> None:
    """A salt that names a form or an end twice, or no end, is refused, even with our own signature below it."""
    form, end = f"form={SEAL}&", f"expires={int(NOW.timestamp()) + 60}&"
    assert altcha.is_solved(KEYS, signed(f"00?{form}{end}"), SEAL, NOW)
    for said in (
        form,
        end + form + end,
        form + end + f"form={'t' * 22}&",
        form + "expires=1&" + end,
        form + "expires=x&",
    ):
        assert not altcha.is_solved(KEYS, signed(f"00?{said}"), SEAL, NOW), said


@pytest.mark.parametrize("payload", ["", "x", "e30=", "W10=", "bnVsbA==", "W1tb" * 400, "ä", "x" * 100_000])
def test_what_is_no_proof(payload: str) -> None:
    """Nonsense is no proof and no error."""
    assert not altcha.is_solved(KEYS, payload, SEAL, NOW)


def test_without_a_proof_a_comment_waits(working: Site) -> None:
    """A browser without JavaScript sends none: its comment waits and says why."""
    assert reasons(working, working.visitor()) == ["proof", "first"]


def test_with_a_proof_it_does_not_wait_for_that(working: Site) -> None:
    """With the proof of its form a comment is judged as any other."""
    visitor = working.visitor()
    stamp = visitor.stamp()
    assert reasons(working, visitor, stamp=stamp, proof=proved(visitor, stamp)) == ["first"]


def test_a_proof_is_good_for_one_comment(working: Site) -> None:
    """The same form sent once more with another text waits, and so does another form with that proof."""
    visitor = working.visitor()
    stamp = visitor.stamp()
    proof = proved(visitor, stamp)
    visitor.post(stamp=stamp, proof=proof, body="Once.")
    assert reasons(working, visitor, stamp=stamp, proof=proof, body="Twice.") == ["proof", "first"]
    assert reasons(working, visitor, proof=proof, body="Another form.") == ["proof", "first"]


def test_a_preview_keeps_the_proof(working: Site) -> None:
    """The proof comes back with a preview, whose form is the same, but not with the fresh form after a mistake."""
    visitor = working.visitor()
    stamp = visitor.stamp()
    proof = proved(visitor, stamp)
    assert f'name="proof" value="{proof}"' in visitor.post(stamp=stamp, proof=proof, preview="1").text
    assert 'name="proof" value=""' in visitor.post(stamp=stamp, proof=proof, name="").text


def test_nothing_is_given_out_unasked(site: Site) -> None:
    """On a site that does not ask for work there is neither challenge nor field nor module."""
    assert site.visitor().get(f"/forum/proof/{SEAL}.json").status_code == 404
    assert "proof" not in site.visitor().get(site.page).text


@pytest.mark.parametrize("seal", ["s" * 21, "s" * 23, "s" * 21 + "&", "s" * 21 + "%C3%A4"])
def test_a_seal_has_one_shape(working: Site, seal: str) -> None:
    """Only what can end a stamp is signed."""
    assert working.visitor().get(f"/forum/proof/{seal}.json").status_code == 404


def test_no_question_to_the_database(working: Site) -> None:
    """A challenge costs the database nothing, however many are fetched."""
    visitor = working.visitor()
    visitor.get(working.page)
    with working.statements() as seen:
        assert visitor.get(f"/forum/proof/{SEAL}.json").status_code == 200
    assert seen == []


def test_a_site_without_the_package_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """Work cannot be asked for without the extra; the message says how to get it."""
    monkeypatch.setitem(sys.modules, "altcha", None)
    altcha.check(Settings())
    with pytest.raises(SettingsError, match=r"flask-forum\[altcha\]"):
        altcha.check(Settings(proof_of_work=True))
