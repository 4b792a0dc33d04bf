"""The words for whatever the audit log calls an act: one table, so that an act has one name wherever it is read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from ...language import N_, ngettext, number


class Words(NamedTuple):
    """``did`` stands in the activity after whoever did it. The others are sentences of the bar: ``done`` says that it
    was done, ``of`` whose comment it was done to (``name``), ``many`` to how many; ``faster`` and ``yours`` tell
    whoever was too late about somebody else (``who``) and about themselves, and how long ago that was (``ago``).
    ``so_far`` says how many are done (of how many) in the midst of a long press.
    """

    did: str
    done: str = N_("Changed.")
    of: str = N_("Changed: the comment by %(name)s.")
    faster: str = N_("%(who)s changed this %(ago)s. Nothing was done now.")
    yours: str = N_("You changed this %(ago)s. Nothing was done now.")
    many: Callable[[int], str] = lambda n: ngettext("%(n)s comment changed.", "%(n)s comments changed.", n)
    so_far: Callable[[int, int], str] = lambda done, of: ngettext(
        "%(done)s of %(n)s comment changed so far", "%(done)s of %(n)s comments changed so far", of, done=number(done)
    )


ACTS: Final = {
    "approve": Words(
        N_("approved"),
        N_("Approved."),
        N_("Approved: the comment by %(name)s."),
        N_("%(who)s approved this %(ago)s. Nothing was done now."),
        N_("You approved this %(ago)s. Nothing was done now."),
        lambda n: ngettext("%(n)s comment approved.", "%(n)s comments approved.", n),
        lambda done, of: ngettext(
            "%(done)s of %(n)s comment approved so far",
            "%(done)s of %(n)s comments approved so far",
            of,
            done=number(done),
        ),
    ),
    "unapprove": Words(
        N_("had it wait again"),
        N_("Sent back to wait."),
        N_("Sent back to wait: the comment by %(name)s."),
        N_("%(who)s sent this back to wait %(ago)s. Nothing was done now."),
        N_("You sent this back to wait %(ago)s. Nothing was done now."),
        lambda n: ngettext("%(n)s comment sent back to wait.", "%(n)s comments sent back to wait.", n),
        lambda done, of: ngettext(
            "%(done)s of %(n)s comment sent back to wait so far",
            "%(done)s of %(n)s comments sent back to wait so far",
            of,
            done=number(done),
        ),
    ),
    "reject": Words(
        N_("rejected"),
        N_("Rejected."),
        N_("Rejected: the comment by %(name)s."),
        N_("%(who)s rejected this %(ago)s. Nothing was done now."),
        N_("You rejected this %(ago)s. Nothing was done now."),
        lambda n: ngettext("%(n)s comment rejected.", "%(n)s comments rejected.", n),
        lambda done, of: ngettext(
            "%(done)s of %(n)s comment rejected so far",
            "%(done)s of %(n)s comments rejected so far",
            of,
            done=number(done),
        ),
    ),
    "spam": Words(
        N_("marked as spam"),
        N_("Marked as spam."),
        N_("Marked as spam: the comment by %(name)s."),
        N_("%(who)s marked this as spam %(ago)s. Nothing was done now."),
        N_("You marked this as spam %(ago)s. Nothing was done now."),
        lambda n: ngettext("%(n)s comment marked as spam.", "%(n)s comments marked as spam.", n),
        lambda done, of: ngettext(
            "%(done)s of %(n)s comment marked as spam so far",
            "%(done)s of %(n)s comments marked as spam so far",
            of,
            done=number(done),
        ),
    ),
    "remove": Words(
        N_("removed"),
        N_("Removed."),
        N_("Removed: the comment by %(name)s."),
        N_("%(who)s removed this %(ago)s. Nothing was done now."),
        N_("You removed this %(ago)s. Nothing was done now."),
        lambda n: ngettext("%(n)s comment removed.", "%(n)s comments removed.", n),
        lambda done, of: ngettext(
            "%(done)s of %(n)s comment removed so far",
            "%(done)s of %(n)s comments removed so far",
            of,
            done=number(done),
        ),
    ),
    "restore": Words(
        N_("restored"),
        N_("Restored."),
        N_("Restored: the comment by %(name)s."),
        N_("%(who)s restored this %(ago)s. Nothing was done now."),
        N_("You restored this %(ago)s. Nothing was done now."),
        lambda n: ngettext("%(n)s comment restored.", "%(n)s comments restored.", n),
        lambda done, of: ngettext(
            "%(done)s of %(n)s comment restored so far",
            "%(done)s of %(n)s comments restored so far",
            of,
            done=number(done),
        ),
    ),
    "reply": Words(
        N_("answered"),
        N_("Answered."),
        N_("Answered: the comment by %(name)s."),
        N_("%(who)s answered this %(ago)s. Nothing was done now."),
        N_("You answered this %(ago)s. Nothing was done now."),
        lambda n: ngettext("%(n)s comment answered.", "%(n)s comments answered.", n),
    ),
    "edit": Words(
        N_("edited"),
        N_("Edited."),
        N_("Edited: the comment by %(name)s."),
        N_("%(who)s edited this %(ago)s. Nothing was done now."),
        N_("You edited this %(ago)s. Nothing was done now."),
    ),
    "move": Words(
        N_("moved"),
        N_("Moved."),
        N_("Moved: the comment by %(name)s."),
        N_("%(who)s moved this %(ago)s. Nothing was done now."),
        N_("You moved this %(ago)s. Nothing was done now."),
        lambda n: ngettext("%(n)s comment moved.", "%(n)s comments moved.", n),
    ),
    "pin": Words(
        N_("put a comment on top"),
        N_("Put on top."),
        N_("Put on top: the comment by %(name)s."),
        N_("%(who)s put this on top %(ago)s. Nothing was done now."),
        N_("You put this on top %(ago)s. Nothing was done now."),
    ),
    "unpin": Words(
        N_("took the comment on top down"),
        N_("Taken from the top."),
        N_("Taken from the top: the comment by %(name)s."),
        N_("%(who)s took this from the top %(ago)s. Nothing was done now."),
        N_("You took this from the top %(ago)s. Nothing was done now."),
    ),
    "undo": Words(
        N_("undid"),
        faster=N_("%(who)s took back what was done to this %(ago)s. Nothing was done now."),
        yours=N_("You took back what was done to this %(ago)s. Nothing was done now."),
        so_far=lambda done, of: ngettext("%(n)s comment undone so far", "%(n)s comments undone so far", done),
    ),
    "report": Words(N_("hid it after reports"), faster=N_("Readers reported this %(ago)s. Please look at it again.")),
    "check": Words(
        N_("gave an opinion of"), faster=N_("Akismet gave its opinion of this %(ago)s. Please look at it again.")
    ),
    "close": Words(
        N_("closed"),
        N_("Page closed."),
        faster=N_("%(who)s closed this page %(ago)s. Nothing was done now."),
        yours=N_("You closed this page %(ago)s. Nothing was done now."),
    ),
    "open": Words(
        N_("opened"),
        N_("Page open again."),
        faster=N_("%(who)s opened this page again %(ago)s. Nothing was done now."),
        yours=N_("You opened this page again %(ago)s. Nothing was done now."),
    ),
    "hold": Words(
        N_("had every comment wait"),
        N_("Every comment on the page waits from now on."),
        faster=N_("%(who)s had every comment on this page wait %(ago)s. Nothing was done now."),
        yours=N_("You had every comment on this page wait %(ago)s. Nothing was done now."),
    ),
    "release": Words(
        N_("no longer had every comment wait"),
        N_("Comments on the page are treated like all others again."),
        faster=N_("%(who)s let comments on this page go their usual way %(ago)s. Nothing was done now."),
        yours=N_("You let comments on this page go their usual way %(ago)s. Nothing was done now."),
    ),
    "silence": Words(
        N_("switched mail off"),
        N_("No mail about the page any more."),
        faster=N_("%(who)s stopped the mail about this page %(ago)s. Nothing was done now."),
        yours=N_("You stopped the mail about this page %(ago)s. Nothing was done now."),
    ),
    "unsilence": Words(
        N_("switched mail on"),
        N_("People are mailed about the page again."),
        faster=N_("%(who)s let mail about this page go out again %(ago)s. Nothing was done now."),
        yours=N_("You let mail about this page go out again %(ago)s. Nothing was done now."),
    ),
    "list": Words(
        N_("listed somebody"),
        N_("Put on the list."),
        faster=N_("%(who)s put this on the list %(ago)s. Nothing was done now."),
        yours=N_("You put this on the list %(ago)s. Nothing was done now."),
    ),
    "relist": Words(
        N_("changed an entry of the list"),
        N_("Changed on the list."),
        faster=N_("%(who)s changed this on the list %(ago)s. Nothing was done now."),
        yours=N_("You changed this on the list %(ago)s. Nothing was done now."),
    ),
    "lift": Words(
        N_("lifted"),
        N_("Taken off the list."),
        faster=N_("%(who)s took this off the list %(ago)s. Nothing was done now."),
        yours=N_("You took this off the list %(ago)s. Nothing was done now."),
    ),
    "end": Words(N_("ended a block whose time was over")),
    "state": Words(N_("changed the address")),
    "requeue": Words(N_("had a mail tried again")),
    "cancel": Words(N_("cancelled a mail")),
    "suppress": Words(N_("stopped mail to the address")),
    "restored": Words(N_("decided about mail after a backup")),
    "signed_in": Words(N_("signed in")),
    "sign_in_asked": Words(N_("asked for a sign-in link")),
    "forgotten": Words(N_("forgot the address")),
    "erase": Words(N_("erased the author of")),
    "export": Words(N_("took the personal data behind")),
    "prune": Words(N_("let old data go")),
    "move_asked": Words(N_("asked for another address")),
    "setting_changed": Words(N_("changed a setting")),
    "setting_reset": Words(N_("reset a setting")),
}
CHANGED: Final = Words(N_("changed"))


def words(act: str | None) -> Words:
    """The words for an act; for one that the table does not know, that something changed."""
    return ACTS.get(act or "", CHANGED)
