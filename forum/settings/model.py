"""The settings themselves: one field for each FORUM_* key, with its default, its bounds and what it does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from limits import RateLimitItem
from pydantic import BaseModel, Field, ValidationInfo, field_validator

from ..errors import MailNotConfigured, SettingsError
from . import problems, values
from .groups import GROUPS
from .reference import key_of

_PAGES, _LOOK, _BEFORE, _DESK_MAIL, _MAIL, _SPAM, _PRIVACY = GROUPS
_NEEDED_FOR_MAIL = ("base_url", "mail_from", "mail_transport")
_LIMITS = 'a list of limits such as ["10 per minute", "100 per hour"]; [] for none'
_SCOPED = 'a list of limits each after address:, network:, domain: or site:, such as "site: 60 per hour"; [] for none'
_WORDS = 'a list of words or phrases such as ["casino", "free money"]; [] for none'
_RESERVED = ("admin", "administrator", "moderator", "webmaster", "root", "support", "staff", "system")
_BIG_DOMAINS = (
    *("gmail.com", "googlemail.com", "outlook.com", "hotmail.com", "live.com", "msn.com", "yahoo.com", "aol.com"),
    *("icloud.com", "me.com", "mac.com", "proton.me", "protonmail.com", "gmx.de", "gmx.net", "web.de", "t-online.de"),
    *("freenet.de", "orange.fr", "free.fr", "libero.it", "mail.ru", "yandex.ru", "qq.com", "163.com", "naver.com"),
)


def _about(
    default: Any, description: str, *, allowed: str = "", group: str = "", label: str = "", **bounds: Any
) -> Any:
    """A field; with a ``group`` it is a policy key, which admins may change under its ``label``."""
    extra: dict[str, Any] = {"allowed": allowed, "group": group, "label": label}
    return Field(default, description=description, json_schema_extra=extra, **bounds)


class Settings(BaseModel, frozen=True, extra="forbid", strict=True, validate_default=True):
    """Everything a site may decide, read once and never changed; a change makes a new one.

    Types are strict: the text "10" is no number. Lists are accepted and kept as tuples.
    """

    site_name: values.FilledLine = _about(
        "Forum",
        "The name of the site, in page titles, in feeds and as the sender of its mail.",
        allowed="a text of 1 to 80 characters in one line",
        group=_LOOK,
        label="Name of the site",
        max_length=80,
    )
    moderation: Literal["none", "first", "all"] = _about(
        "first",
        "Which comments wait for a moderator: none of them, those of an address without an approved comment, or all. "
        'With "none" only explicit reject rules, and what moderators themselves laid down, act.',
        group=_BEFORE,
        label="Comments that wait for a moderator",
    )
    first_approvals: int = _about(
        1,
        'Approved comments after which an author no longer counts as new, where FORUM_MODERATION is "first".',
        group=_BEFORE,
        label="Approved comments until an author is known",
        ge=1,
        le=100,
    )
    trust_unconfirmed: bool = _about(
        True,
        "Whether approved comments count for an address that has not been confirmed by mail. Whoever knows an approved "
        "address can write under it then; without it only people who confirmed theirs, or whom the site has signed "
        "in, ever pass unread.",
        group=_BEFORE,
        label="Trust addresses that were not confirmed",
    )
    require_email: bool = _about(
        False, "Whether a comment needs a mail address.", group=_PAGES, label="A mail address is needed"
    )
    require_identity: bool = _about(
        False,
        "Whether only people whom the site has signed in may comment; the others may read.",
        group=_PAGES,
        label="Only people who are signed in may comment",
    )
    close_after_days: int = _about(
        0,
        "Days after the first comment of a page after which it takes no more. 0 is never.",
        group=_PAGES,
        label="Close a page after (days)",
        ge=0,
        le=36_500,
    )
    old_thread_days: int = _about(
        0,
        "Days after the first comment of a page after which new ones wait for a moderator. 0 is never.",
        group=_BEFORE,
        label="Hold comments on pages older than (days)",
        ge=0,
        le=36_500,
    )
    max_links: int = _about(
        3,
        "Links from which on a comment waits for a moderator. 0 is off.",
        group=_BEFORE,
        label="Hold comments with this many links",
        ge=0,
        le=100,
    )
    hold_words: Annotated[tuple[values.Word, ...], values.Listed] = _about(
        (),
        "Words and phrases that make a comment wait when they stand in its text, its author's name, address or "
        "website. Whole words are compared, whatever their case and accents.",
        allowed=_WORDS,
        group=_BEFORE,
        label="Words that make a comment wait",
    )
    reject_words: Annotated[tuple[values.Word, ...], values.Listed] = _about(
        (),
        "Words and phrases that make a comment be refused; compared like those of FORUM_HOLD_WORDS.",
        allowed=_WORDS,
        group=_BEFORE,
        label="Words that make a comment be refused",
    )
    reserved_names: Annotated[tuple[values.Word, ...], values.Listed] = _about(
        _RESERVED,
        "Names nobody may comment under unless signed in, however they are spelled; moderators' names are always "
        "reserved.",
        allowed='a list of names such as ["admin", "editor"]; [] for none',
        group=_BEFORE,
        label="Reserved names",
    )
    duplicate_hours: int = _about(
        24,
        "Hours within which the same text posted again on another page waits for a moderator. 0 is off.",
        group=_BEFORE,
        label="Hold the same text on another page within (hours)",
        ge=0,
        le=8_760,
    )
    spam_hold_percent: int = _about(
        80,
        "How likely the spam filter must find a comment to be spam for it to wait for a moderator. The filter learns "
        "from what moderators decide, and says nothing before it knows twenty comments of each kind. 0 is off.",
        group=_SPAM,
        label="Hold what is probably spam, from (percent)",
        ge=0,
        le=100,
    )
    visitor_limits: Annotated[tuple[values.Limit, ...], values.Listed] = _about(
        (),
        "How many comments one visitor may submit, as far as a cookie tells. Every limit counts; [] switches them off.",
        allowed=_LIMITS,
        group=_SPAM,
        label="Comments of one visitor",
    )
    site_limits: Annotated[tuple[values.Limit, ...], values.Listed] = _about(
        (),
        "How many comments the whole site takes. Every limit counts; [] switches them off.",
        allowed=_LIMITS,
        group=_SPAM,
        label="Comments of everybody together",
    )
    proof_of_work: bool = _about(
        False,
        "Whether a visitor's browser must do a second of arithmetic for each comment, unseen; comments that come "
        "without it wait for a moderator. It needs the extra altcha.",
        group=_SPAM,
        label="Let browsers do some arithmetic",
    )
    report_hide_after: int = _about(
        3,
        "Readers' reports after which a comment is hidden until a moderator has seen it. 0 is never.",
        group=_BEFORE,
        label="Hide a comment after (reports)",
        ge=0,
        le=100,
    )
    moderation_grace_seconds: int = _about(
        60,
        "Seconds during which a moderator's act can be undone before any mail of it leaves.",
        group=_DESK_MAIL,
        label="Time to undo before any mail leaves (seconds)",
        ge=0,
        le=3_600,
    )
    mail_moderators: Literal["off", "each", "daily"] = _about(
        "daily",
        "When FORUM_MODERATORS are told by mail of comments that wait: never, soon after each, or once a day.",
        group=_DESK_MAIL,
        label="Tell moderators of comments that wait",
    )
    keep_unconfirmed_days: int = _about(
        30,
        "Days an address is kept that nobody confirmed and no comment stands under. 0 is for ever.",
        group=_PRIVACY,
        label="Keep unconfirmed addresses (days)",
        ge=0,
        le=36_500,
    )
    keep_network_days: int = _about(
        90,
        "Days the hashes of networks and visitors are kept with comments, consents and mail. 0 is for ever.",
        group=_PRIVACY,
        label="Keep hashes of networks and visitors (days)",
        ge=0,
        le=36_500,
    )
    keep_rejected_days: int = _about(
        30,
        "Days rejected comments, spam and refused drafts are kept. 0 is for ever.",
        group=_PRIVACY,
        label="Keep rejected comments and spam (days)",
        ge=0,
        le=36_500,
    )
    keep_message_days: int = _about(
        30,
        "Days the record of a mail is kept after it was sent or given up. 0 is for ever.",
        group=_PRIVACY,
        label="Keep the record of mail (days)",
        ge=0,
        le=36_500,
    )
    rate_limits: Annotated[tuple[values.Limit, ...], values.Listed] = _about(
        ("10 per minute", "100 per hour"),
        "How many comments one network may submit. Every limit counts; [] switches them off.",
        allowed=_LIMITS,
        group=_SPAM,
        label="Comments of one network",
    )
    min_seconds: int = _about(
        3,
        "Seconds between showing a form and sending it below which a machine is suspected. 0 is off.",
        group=_SPAM,
        label="Shortest time to write a comment (seconds)",
        ge=0,
        le=600,
    )
    max_length: int = _about(
        10_000,
        "The longest comment, in characters.",
        group=_LOOK,
        label="Longest comment (characters)",
        ge=1,
        le=50_000,
    )
    max_depth: int = _about(
        6,
        "How many levels of replies are indented; deeper ones stay at the last level.",
        group=_LOOK,
        label="Levels of replies",
        ge=1,
        le=20,
    )
    per_page: int = _about(
        50, "Branches on one page of a thread.", group=_LOOK, label="Branches on one page", ge=1, le=200
    )
    edit_seconds: int = _about(
        900,
        "Seconds during which people may edit or remove their own comment. 0 is off.",
        group=_LOOK,
        label="Time to edit or remove one's comment (seconds)",
        ge=0,
        le=604_800,
    )
    mail_hold_seconds: int = _about(
        120,
        "Seconds a comment waits before it is mailed, so that a slip can be edited or removed first.",
        group=_MAIL,
        label="Wait before a comment is mailed (seconds)",
        ge=0,
        le=3_600,
    )
    mail_cooldown_seconds: int = _about(
        900,
        "Seconds between two mails to one address about one thread; what happens meanwhile is sent together.",
        group=_MAIL,
        label="Pause between two mails about one page (seconds)",
        ge=0,
        le=86_400,
    )
    mail_max_per_day: int = _about(
        30,
        "Mails to one address within 24 hours; what comes beyond waits for one digest at their end.",
        group=_MAIL,
        label="Mails to one address a day",
        ge=1,
        le=1_000,
    )
    mail_digest_hour: int = _about(
        8,
        "The hour of the day, in UTC, at which daily digests leave, and weekly ones on Mondays.",
        group=_MAIL,
        label="Hour of digests (UTC)",
        ge=0,
        le=23,
    )
    mail_notices: bool = _about(
        False,
        "Whether people with a confirmed address are told that a moderator approved or rejected their comment.",
        group=_MAIL,
        label="Tell authors what became of their comment",
    )
    mail_quote: bool = _about(
        True,
        "Whether mail quotes the comment it tells of; otherwise it holds only the link.",
        group=_MAIL,
        label="Quote the comment in mail",
    )
    mail_contact: values.Line = _about(
        "",
        "How to reach whoever runs the site, a postal address for example; stands in the footer of each mail.",
        allowed="a text of at most 200 characters in one line",
        group=_MAIL,
        label="How to reach you",
        max_length=200,
    )

    base_url: Annotated[values.BaseUrl | None, values.Optional] = _about(
        None,
        "Where the site is found. Absolute links are made from it, never from what a request says. "
        "Without it no mail is sent.",
        allowed="an http or https URL such as https://forum.example, without a slash, query or fragment at its end",
    )
    base_template: values.FilledLine = _about(
        "forum/layout.html",
        "The template that Forum's own pages extend; it offers the blocks title, head and content.",
        allowed="the name of a template in one line",
    )
    css: Literal["full", "layered", "none"] = _about(
        "full",
        "The style sheet: complete, the same inside a cascade layer for design systems that use layers, or none.",
    )
    moderators: Annotated[tuple[values.AddressKey, ...], values.Listed] = _about(
        (),
        "Addresses that may sign in to moderation on a site without accounts of its own. Upper and lower case are one.",
        allowed='a list of mail addresses such as ["ada@forum.example"]',
    )
    admins: Annotated[tuple[values.AddressKey, ...], values.Listed] = _about(
        (),
        "Those of the moderators who may also change settings, see the mail and erase people's data. "
        "Empty: all of them.",
        allowed='a list of mail addresses such as ["ada@forum.example"]',
    )
    akismet_key: Annotated[values.FilledLine | None, values.Optional] = _about(
        None,
        "The key of an account with Akismet, whose opinion of each comment is then asked after it was stored "
        "and before it appears. Text, name, address and website of every comment then go to a third party.",
        allowed="the key that Akismet gave you",
    )
    akismet_url: values.BaseUrl = _about(
        "https://rest.akismet.com",
        "Where Akismet, or a service that speaks like it, is found.",
        allowed="an http or https URL such as https://rest.akismet.com, without a slash, query or fragment at its end",
    )
    rate_storage: values.Storage = _about(
        "memory://",
        "Where limits are counted: in each process, or in Redis for all processes together.",
        allowed="memory:// or the URL of a Redis that begins with redis://, rediss:// or redis+unix://",
    )
    sanitizer: Literal["bleach", "nh3"] = _about(
        "bleach", "The engine that cleans comments; nh3 needs the extra of that name to be installed."
    )
    cache_bytes: int = _about(
        33_554_432, "Memory for rendered threads in each process, in bytes. 0 is off.", ge=0, le=17_179_869_184
    )
    delivery: Literal["off", "in-process", "celery"] = _about(
        "off",
        'Who sends mail: with "in-process" a thread of the web process, with "celery" the workers of Celery, which '
        "are woken after each comment. Otherwise whoever runs `flask forum deliver`.",
    )
    celery_broker: Annotated[values.Broker | None, values.Optional] = _about(
        None,
        "The broker that carries tasks to the reference site's Celery workers. A host with a Celery of its own gives "
        "that to Forum instead.",
        allowed="a URL that begins with redis://, rediss://, amqp:// or amqps://",
    )
    metrics_token: Annotated[values.FilledLine | None, values.Optional] = _about(
        None,
        "What a monitor must send as its bearer token to read /forum/metrics. Without it there is no such page.",
        allowed="a long random text in one line",
        min_length=16,
    )

    mail_transport: Annotated[Literal["mailbox", "smtp"] | None, values.Optional] = _about(
        None,
        "How mail leaves: kept in the development mailbox, or by SMTP with Flask-Mail's MAIL_* keys. "
        "Without it no mail is sent.",
    )
    mail_from: Annotated[values.Address | None, values.Optional] = _about(
        None,
        "The sender of all mail. Without it no mail is sent.",
        allowed="a bare mail address such as notify@forum.example, without a display name",
    )
    mail_domain: Annotated[values.Domain | None, values.Optional] = _about(
        None,
        "The domain in Message-IDs and List-Ids; the one of FORUM_MAIL_FROM unless set. Never change it in operation: "
        "mail programs thread by it.",
        allowed="the name of a mail domain such as forum.example",
    )
    mail_confirm_limits: Annotated[tuple[values.ConfirmLimit, ...], values.Listed] = _about(
        (
            "address: 1 per day",
            "address: 3 per 30 days",
            "network: 5 per hour",
            "domain: 20 per hour",
            "site: 60 per hour",
        ),
        "How many mails may ask for a confirmation, so that nobody can flood a stranger's mailbox from here. "
        "The word in front says what is counted: one address, the network that asked, the domain that receives, "
        "or all together. Every limit counts; [] switches them off.",
        allowed=_SCOPED,
    )
    mail_big_domains: Annotated[tuple[values.Domain, ...], values.Listed] = _about(
        _BIG_DOMAINS,
        "Domains with so many mailboxes that the domain: limits of FORUM_MAIL_CONFIRM_LIMITS do not count them and "
        "FORUM_MAIL_DOMAIN_RATE does not slow them, unless they ask for it.",
        allowed='a list of mail domains such as ["gmail.com"]',
    )
    mail_domain_rate: int = _about(20, "Messages a minute to one domain. 0 is no limit.", ge=0, le=10_000)
    mail_max_age_days: int = _about(
        7, "Days after which a comment approved late is no longer news and is not mailed.", ge=1, le=365
    )
    mail_on_ambiguous: Literal["retry", "drop"] = _about(
        "retry",
        "What to do when the connection broke after the message was handed over and before it was accepted: "
        "send it once more under the same Message-ID, or give it up.",
    )
    mail_ca_file: Annotated[values.FilledLine | None, values.Optional] = _about(
        None,
        "Certificates that vouch for the mail server, if the system's do not.",
        allowed="the path of a PEM file",
    )
    mail_connections: int = _about(
        1,
        "Connections to the mail server that one delivering process uses at once. Each has one mail on the wire, and "
        "if the process is killed each of these may come twice: at most one with one connection. More reach a "
        "distant server faster, and go on while one of them hangs.",
        ge=1,
        le=32,
    )
    mail_post_dot_timeout: int = _about(
        600, "Seconds to wait for the mail server's answer to a whole message.", ge=1, le=3_600
    )
    mail_lease_seconds: int = _about(
        900,
        "Seconds a worker keeps a message to itself before another one may take it over.",
        allowed="a whole number from 2 to 86400, and more than FORUM_MAIL_POST_DOT_TIMEOUT",
        ge=2,
        le=86_400,
    )

    @field_validator("mail_domain")
    @classmethod
    def _follow_mail_from(cls, domain: str | None, info: ValidationInfo) -> str | None:
        sender: str | None = info.data.get("mail_from")
        return domain if domain or not sender else sender.rpartition("@")[2]

    @field_validator("mail_lease_seconds")
    @classmethod
    def _outlive_the_answer(cls, seconds: int, info: ValidationInfo) -> int:
        # A lease that ends while the server still thinks lets a second worker send the message again.
        if seconds <= info.data.get("mail_post_dot_timeout", 0):
            raise ValueError("It ends before the mail server must have answered.")
        return seconds

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """The settings in ``config``; keys other than FORUM_* are left alone.

        Raises SettingsError with one problem for each key that is wrong or unknown.
        """
        wrong = cls.check(config)
        if wrong:
            raise SettingsError(list(wrong.values()))
        return cls.model_validate(problems.pick(cls, config))

    @classmethod
    def check(cls, config: Mapping[str, Any]) -> dict[str, str]:
        """Every FORUM_* key of ``config`` that is wrong or unknown, each with the sentence that says so."""
        return problems.check(cls, config)

    @property
    def mail_missing(self) -> tuple[str, ...]:
        """The keys that must be set before mail can be sent."""
        return tuple(key_of(name) for name in _NEEDED_FOR_MAIL if getattr(self, name) is None)

    def need_mail(self) -> None:
        """Raise MailNotConfigured naming the keys without which no mail can be sent, if any is missing."""
        if self.mail_missing:
            raise MailNotConfigured(f"Mail cannot be sent: set {', '.join(self.mail_missing)}.")

    @property
    def mail_enabled(self) -> bool:
        """Whether mail can be sent at all."""
        return not self.mail_missing

    @property
    def rate_items(self) -> tuple[RateLimitItem, ...]:
        """``rate_limits`` as the `limits` package counts them."""
        return tuple(item for line in self.rate_limits for item in values.limits_of(line))

    @property
    def mail_confirm_items(self) -> tuple[tuple[values.Scope, RateLimitItem], ...]:
        """``mail_confirm_limits`` as pairs of what is counted and its limit."""
        return tuple(pair for line in self.mail_confirm_limits for pair in values.confirm_limits_of(line))
