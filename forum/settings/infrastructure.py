"""What the site runs on: the keys that only its configuration sets."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ValidationInfo, field_validator

from . import values
from .fields import Section, about

_SCOPED = 'a list of limits each after address:, network:, domain: or site:, such as "site: 60 per hour"; [] for none'
_BIG_DOMAINS = (
    *("gmail.com", "googlemail.com", "outlook.com", "hotmail.com", "live.com", "msn.com", "yahoo.com", "aol.com"),
    *("icloud.com", "me.com", "mac.com", "proton.me", "protonmail.com", "gmx.de", "gmx.net", "web.de", "t-online.de"),
    *("freenet.de", "orange.fr", "free.fr", "libero.it", "mail.ru", "yandex.ru", "qq.com", "163.com", "naver.com"),
)


class Infrastructure(Section, frozen=True):
    """Where the site is, who runs it, and by what its mail leaves."""

    base_url: Annotated[values.BaseUrl | None, values.Optional] = about(
        None,
        "Where the site is found. Absolute links are made from it, never from what a request says. "
        "Without it no mail is sent.",
        allowed="an http or https URL such as https://forum.example, without a slash, query or fragment at its end",
    )
    base_template: values.FilledLine = about(
        "forum/layout.html",
        "The template that Forum's own pages extend; it offers the blocks title, head and content.",
        allowed="the name of a template in one line",
    )
    language: Literal["en", "de", "es", "fr", "ar"] = about(
        "en",
        "The language of Forum's pages and mail. Where the site has Flask-Babel, pages follow that instead, and mail "
        "goes out in the language its reader chose or wrote in.",
    )
    css: Literal["full", "layered", "none"] = about(
        "full",
        "The style sheet: complete, the same inside a cascade layer for design systems that use layers, or none.",
    )
    moderators: Annotated[tuple[values.AddressKey, ...], values.Listed] = about(
        (),
        "Addresses that may sign in to moderation on a site without accounts of its own. Upper and lower case are one.",
        allowed='a list of mail addresses such as ["ada@forum.example"]',
    )
    admins: Annotated[tuple[values.AddressKey, ...], values.Listed] = about(
        (),
        "Those of the moderators who may also change settings, see the mail and erase people's data. "
        "Empty: all of them.",
        allowed='a list of mail addresses such as ["ada@forum.example"]',
    )
    akismet_key: Annotated[values.FilledLine | None, values.Optional] = about(
        None,
        "The key of an account with Akismet, whose opinion of each comment is then asked after it was stored "
        "and before it appears. Text, name, address and website of every comment then go to a third party.",
        allowed="the key that Akismet gave you",
    )
    akismet_url: values.BaseUrl = about(
        "https://rest.akismet.com",
        "Where Akismet, or a service that speaks like it, is found.",
        allowed="an http or https URL such as https://rest.akismet.com, without a slash, query or fragment at its end",
    )
    rate_storage: values.Storage = about(
        "memory://",
        "Where limits are counted: in each process, or in Redis for all processes together.",
        allowed="memory:// or the URL of a Redis that begins with redis://, rediss:// or redis+unix://",
    )
    sanitizer: Literal["bleach", "nh3"] = about(
        "bleach", "The engine that cleans comments; nh3 needs the extra of that name to be installed."
    )
    cache_bytes: int = about(
        33_554_432, "Memory for rendered threads in each process, in bytes. 0 is off.", ge=0, le=17_179_869_184
    )
    delivery: Literal["off", "in-process", "celery"] = about(
        "off",
        'Who sends mail: with "in-process" a thread of the web process, with "celery" the workers of Celery, which '
        "are woken after each comment. Otherwise whoever runs `flask forum deliver`.",
    )
    celery_broker: Annotated[values.Broker | None, values.Optional] = about(
        None,
        "The broker that carries tasks to the reference site's Celery workers. A host with a Celery of its own gives "
        "that to Forum instead.",
        allowed="a URL that begins with redis://, rediss://, amqp:// or amqps://",
    )
    metrics_token: Annotated[values.FilledLine | None, values.Optional] = about(
        None,
        "What a monitor must send as its bearer token to read /forum/metrics. Without it there is no such page.",
        allowed="a long random text in one line",
        min_length=16,
    )

    mail_transport: Annotated[Literal["mailbox", "smtp"] | None, values.Optional] = about(
        None,
        "How mail leaves: kept in the development mailbox, or by SMTP with Flask-Mail's MAIL_* keys. "
        "Without it no mail is sent.",
    )
    mail_from: Annotated[values.Address | None, values.Optional] = about(
        None,
        "The sender of all mail. Without it no mail is sent.",
        allowed="a bare mail address such as notify@forum.example, without a display name",
    )
    mail_domain: Annotated[values.Domain | None, values.Optional] = about(
        None,
        "The domain in Message-IDs and List-Ids; the one of FORUM_MAIL_FROM unless set. Never change it in operation: "
        "mail programs thread by it.",
        allowed="the name of a mail domain such as forum.example",
    )
    mail_confirm_limits: Annotated[tuple[values.ConfirmLimit, ...], values.Listed] = about(
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
    mail_big_domains: Annotated[tuple[values.Domain, ...], values.Listed] = about(
        _BIG_DOMAINS,
        "Domains with so many mailboxes that the domain: limits of FORUM_MAIL_CONFIRM_LIMITS do not count them and "
        "FORUM_MAIL_DOMAIN_RATE does not slow them, unless they ask for it.",
        allowed='a list of mail domains such as ["gmail.com"]',
    )
    mail_domain_rate: int = about(20, "Messages a minute to one domain. 0 is no limit.", ge=0, le=10_000)
    mail_max_age_days: int = about(
        7, "Days after which a comment approved late is no longer news and is not mailed.", ge=1, le=365
    )
    mail_on_ambiguous: Literal["retry", "drop"] = about(
        "retry",
        "What to do when the connection broke after the message was handed over and before it was accepted: "
        "send it once more under the same Message-ID, or give it up.",
    )
    mail_ca_file: Annotated[values.FilledLine | None, values.Optional] = about(
        None,
        "Certificates that vouch for the mail server, if the system's do not.",
        allowed="the path of a PEM file",
    )
    mail_connections: int = about(
        1,
        "Connections to the mail server that one delivering process uses at once. Each has one mail on the wire, and "
        "if the process is killed each of these may come twice: at most one with one connection. More reach a "
        "distant server faster, and go on while one of them hangs.",
        ge=1,
        le=32,
    )
    mail_post_dot_timeout: int = about(
        600, "Seconds to wait for the mail server's answer to a whole message.", ge=1, le=3_600
    )
    mail_lease_seconds: int = about(
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
