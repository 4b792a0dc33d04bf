"""How people talk here: the keys that admins may change while the site runs, in the order they are shown."""

from __future__ import annotations

from typing import Annotated, Literal

from ..language import N_
from . import values
from .fields import Section, about
from .groups import GROUPS

_PAGES, _LOOK, _BEFORE, _DESK_MAIL, _MAIL, _SPAM, _PRIVACY = GROUPS
_LIMITS = N_('a list of limits such as ["10 per minute", "100 per hour"]; [] for none')
_WORDS = N_('a list of words or phrases such as ["casino", "free money"]; [] for none')
_RESERVED = ("admin", "administrator", "moderator", "webmaster", "root", "support", "staff", "system")


class Policy(Section, frozen=True):
    """What a site lets people do, what it looks like to them, and when it writes to them."""

    site_name: values.FilledLine = about(
        "Forum",
        N_("The name of the site, in page titles and as the sender of its mail."),
        allowed=N_("a text of 1 to 80 characters in one line"),
        group=_LOOK,
        label=N_("Name of the site"),
        max_length=80,
    )
    moderation: Literal["none", "first", "all"] = about(
        "first",
        N_(
            "Which comments wait for a moderator: none of them, those of an address without an approved comment, or "
            "all. "
            'With "none" only explicit reject rules, and what moderators themselves laid down, act.'
        ),
        group=_BEFORE,
        label=N_("Comments that wait for a moderator"),
    )
    first_approvals: int = about(
        1,
        N_('Approved comments after which an author no longer counts as new, where FORUM_MODERATION is "first".'),
        group=_BEFORE,
        label=N_("Approved comments until an author is known"),
        ge=1,
        le=100,
    )
    trust_unconfirmed: bool = about(
        True,
        N_(
            "Whether approved comments count for an address that has not been confirmed by mail. Whoever knows an "
            "approved address can write under it then; without it only people who confirmed theirs, or whom the site "
            "has signed in, ever pass unread."
        ),
        group=_BEFORE,
        label=N_("Trust addresses that were not confirmed"),
    )
    require_email: bool = about(
        False, N_("Whether a comment needs a mail address."), group=_PAGES, label=N_("A mail address is needed")
    )
    require_identity: bool = about(
        False,
        N_("Whether only people whom the site has signed in may comment; the others may read."),
        group=_PAGES,
        label=N_("Only people who are signed in may comment"),
    )
    close_after_days: int = about(
        0,
        N_("Days after the first comment of a page after which it takes no more. 0 is never."),
        group=_PAGES,
        label=N_("Close a page after (days)"),
        ge=0,
        le=36_500,
    )
    old_thread_days: int = about(
        0,
        N_("Days after the first comment of a page after which new ones wait for a moderator. 0 is never."),
        group=_BEFORE,
        label=N_("Hold comments on pages older than (days)"),
        ge=0,
        le=36_500,
    )
    max_links: int = about(
        3,
        N_("Links from which on a comment waits for a moderator. 0 is off."),
        group=_BEFORE,
        label=N_("Hold comments with this many links"),
        ge=0,
        le=100,
    )
    hold_words: Annotated[tuple[values.Word, ...], values.Listed] = about(
        (),
        N_(
            "Words and phrases that make a comment wait when they stand in its text, its author's name, address or "
            "website. Whole words are compared, whatever their case and accents."
        ),
        allowed=_WORDS,
        group=_BEFORE,
        label=N_("Words that make a comment wait"),
    )
    reject_words: Annotated[tuple[values.Word, ...], values.Listed] = about(
        (),
        N_("Words and phrases that make a comment be refused; compared like those of FORUM_HOLD_WORDS."),
        allowed=_WORDS,
        group=_BEFORE,
        label=N_("Words that make a comment be refused"),
    )
    reserved_names: Annotated[tuple[values.Word, ...], values.Listed] = about(
        _RESERVED,
        N_(
            "Names nobody may comment under unless signed in, however they are spelled; moderators' names are always "
            "reserved."
        ),
        allowed=N_('a list of names such as ["admin", "editor"]; [] for none'),
        group=_BEFORE,
        label=N_("Reserved names"),
    )
    duplicate_hours: int = about(
        24,
        N_("Hours within which the same text posted again on another page waits for a moderator. 0 is off."),
        group=_BEFORE,
        label=N_("Hold the same text on another page within (hours)"),
        ge=0,
        le=8_760,
    )
    spam_hold_percent: int = about(
        80,
        N_(
            "How likely the spam filter must find a comment to be spam for it to wait for a moderator. The filter "
            "learns from what moderators decide, and says nothing before it knows twenty comments of each kind. 0 is "
            "off."
        ),
        group=_SPAM,
        label=N_("Hold what is probably spam, from (percent)"),
        ge=0,
        le=100,
    )
    visitor_limits: Annotated[tuple[values.Limit, ...], values.Listed] = about(
        (),
        N_(
            "How many comments one visitor may submit, as far as a cookie tells. Every limit counts; [] switches them "
            "off."
        ),
        allowed=_LIMITS,
        group=_SPAM,
        label=N_("Comments of one visitor"),
    )
    site_limits: Annotated[tuple[values.Limit, ...], values.Listed] = about(
        (),
        N_("How many comments the whole site takes. Every limit counts; [] switches them off."),
        allowed=_LIMITS,
        group=_SPAM,
        label=N_("Comments of everybody together"),
    )
    proof_of_work: bool = about(
        False,
        N_(
            "Whether a visitor's browser must do a second of arithmetic for each comment, unseen; comments that come "
            "without it wait for a moderator. It needs the extra altcha."
        ),
        group=_SPAM,
        label=N_("Let browsers do some arithmetic"),
    )
    report_hide_after: int = about(
        3,
        N_("Readers' reports after which a comment is hidden until a moderator has seen it. 0 is never."),
        group=_BEFORE,
        label=N_("Hide a comment after (reports)"),
        ge=0,
        le=100,
    )
    moderation_grace_seconds: int = about(
        60,
        N_("Seconds during which a moderator's act can be undone before any mail of it leaves."),
        group=_DESK_MAIL,
        label=N_("Time to undo before any mail leaves (seconds)"),
        ge=0,
        le=3_600,
    )
    mail_moderators: Literal["off", "each", "daily"] = about(
        "daily",
        N_("When FORUM_MODERATORS are told by mail of comments that wait: never, soon after each, or once a day."),
        group=_DESK_MAIL,
        label=N_("Tell moderators of comments that wait"),
    )
    keep_unconfirmed_days: int = about(
        30,
        N_("Days an address is kept that nobody confirmed and no comment stands under. 0 is for ever."),
        group=_PRIVACY,
        label=N_("Keep unconfirmed addresses (days)"),
        ge=0,
        le=36_500,
    )
    keep_network_days: int = about(
        90,
        N_("Days the hashes of networks and visitors are kept with comments, consents and mail. 0 is for ever."),
        group=_PRIVACY,
        label=N_("Keep hashes of networks and visitors (days)"),
        ge=0,
        le=36_500,
    )
    keep_rejected_days: int = about(
        30,
        N_("Days rejected comments, spam and refused drafts are kept. 0 is for ever."),
        group=_PRIVACY,
        label=N_("Keep rejected comments and spam (days)"),
        ge=0,
        le=36_500,
    )
    keep_message_days: int = about(
        30,
        N_("Days the record of a mail is kept after it was sent or given up. 0 is for ever."),
        group=_PRIVACY,
        label=N_("Keep the record of mail (days)"),
        ge=0,
        le=36_500,
    )
    rate_limits: Annotated[tuple[values.Limit, ...], values.Listed] = about(
        ("10 per minute", "100 per hour"),
        N_("How many comments one network may submit. Every limit counts; [] switches them off."),
        allowed=_LIMITS,
        group=_SPAM,
        label=N_("Comments of one network"),
    )
    min_seconds: int = about(
        3,
        N_("Seconds between showing a form and sending it below which a machine is suspected. 0 is off."),
        group=_SPAM,
        label=N_("Shortest time to write a comment (seconds)"),
        ge=0,
        le=600,
    )
    max_length: int = about(
        10_000,
        N_("The longest comment, in characters."),
        group=_LOOK,
        label=N_("Longest comment (characters)"),
        ge=1,
        le=50_000,
    )
    max_depth: int = about(
        6,
        N_("How many levels of replies are indented; deeper ones stay at the last level."),
        group=_LOOK,
        label=N_("Levels of replies"),
        ge=1,
        le=20,
    )
    per_page: int = about(
        50, N_("Branches on one page of a thread."), group=_LOOK, label=N_("Branches on one page"), ge=1, le=200
    )
    sort: Literal["oldest", "newest"] = about(
        "oldest",
        N_("Which branches stand first where a reader has not chosen; replies are in the order they came either way."),
        group=_LOOK,
        label=N_("What stands first"),
    )
    avatars: Literal["identicon", "initials", "none"] = about(
        "identicon",
        N_(
            "What stands beside a comment: a pattern drawn from a keyed hash of its author's account or browser and "
            "the name, so that comments of one author look alike; the first letter of the name; or nothing."
        ),
        group=_LOOK,
        label=N_("Pictures beside comments"),
    )
    poll: bool = about(
        True,
        N_("Whether a page that stays open asks about once a minute for new comments, and says when there are some."),
        group=_LOOK,
        label=N_("Tell readers of new comments"),
    )
    edit_seconds: int = about(
        900,
        N_("Seconds during which people may edit or remove their own comment. 0 is off."),
        group=_LOOK,
        label=N_("Time to edit or remove one's comment (seconds)"),
        ge=0,
        le=604_800,
    )
    mail_hold_seconds: int = about(
        120,
        N_("Seconds a comment waits before it is mailed, so that a slip can be edited or removed first."),
        group=_MAIL,
        label=N_("Wait before a comment is mailed (seconds)"),
        ge=0,
        le=3_600,
    )
    mail_cooldown_seconds: int = about(
        900,
        N_("Seconds between two mails to one address about one thread; what happens meanwhile is sent together."),
        group=_MAIL,
        label=N_("Pause between two mails about one page (seconds)"),
        ge=0,
        le=86_400,
    )
    mail_max_per_day: int = about(
        30,
        N_("Mails to one address within 24 hours; what comes beyond waits for one digest at their end."),
        group=_MAIL,
        label=N_("Mails to one address a day"),
        ge=1,
        le=1_000,
    )
    mail_digest_hour: int = about(
        8,
        N_("The hour of the day, in UTC, at which daily digests leave, and weekly ones on Mondays."),
        group=_MAIL,
        label=N_("Hour of digests (UTC)"),
        ge=0,
        le=23,
    )
    mail_notices: bool = about(
        False,
        N_("Whether people with a confirmed address are told that a moderator approved or rejected their comment."),
        group=_MAIL,
        label=N_("Tell authors what became of their comment"),
    )
    mail_quote: bool = about(
        True,
        N_("Whether mail quotes the comment it tells of; otherwise it holds only the link."),
        group=_MAIL,
        label=N_("Quote the comment in mail"),
    )
    mail_contact: values.Line = about(
        "",
        N_("How to reach whoever runs the site, a postal address for example; stands in the footer of each mail."),
        allowed=N_("a text of at most 200 characters in one line"),
        group=_MAIL,
        label=N_("How to reach you"),
        max_length=200,
    )
