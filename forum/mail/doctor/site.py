"""Who the site says it is: its address, the sender of its mail, and whether the two belong together."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from urllib.parse import urlsplit

from ...settings import Settings, key_of
from .finding import Finding, domain_of, is_reserved

_NEEDS = {"base_url": "where links lead", "mail_from": "who mail comes from", "mail_transport": "how mail leaves"}


def site(settings: Settings, development: bool) -> list[Finding]:
    """Check the FORUM_* keys that mail needs; in ``development`` names that nobody can reach are fine."""
    missing = [Finding(name, "todo", f"Set {key_of(name)}: it says {_NEEDS[name]}.") for name in _missing(settings)]
    return [
        *missing,
        *_base_url(settings, development),
        *_sender(settings, development),
        *_alignment(settings),
        *_transport(settings, development),
        *_moderators(settings, development),
    ]


def _missing(settings: Settings) -> list[str]:
    return [name for name in _NEEDS if getattr(settings, name) is None]


def _base_url(settings: Settings, development: bool) -> Iterator[Finding]:
    url = settings.base_url
    if url is None:
        return
    parts = urlsplit(url)
    if _is_unreachable(parts.hostname or "") and not development:
        yield Finding("base_url", "wrong", f"FORUM_BASE_URL is {url}: no reader can open links to that host.")
        return
    yield Finding("base_url", "ok", f"Links lead to {url}.")
    if parts.scheme != "https" and not development:
        sentence = "FORUM_BASE_URL is not https: mailbox providers get no one-click unsubscribe, links can be read."
        yield Finding("https", "todo", sentence)


def _sender(settings: Settings, development: bool) -> Iterator[Finding]:
    sender = settings.mail_from
    if sender is None:
        return
    domain = domain_of(sender)
    if is_reserved(domain) and not development:
        yield Finding("sender", "wrong", f"FORUM_MAIL_FROM is {sender}: mail servers refuse a domain for examples.")
    elif domain in settings.mail_big_domains:
        sentence = f"FORUM_MAIL_FROM is {sender}: {domain} lets nobody else send in its name. Use a domain of yours."
        yield Finding("sender", "wrong", sentence)
    else:
        yield Finding("sender", "ok", f"Mail comes from {sender}.")


def _alignment(settings: Settings) -> Iterator[Finding]:
    if settings.mail_from is None or settings.mail_domain is None:
        return
    sender, ours = domain_of(settings.mail_from), settings.mail_domain
    if _owner(sender) != _owner(ours):
        sentence = f"FORUM_MAIL_DOMAIN is {ours}, but mail comes from {sender}: filters take that for a disguise."
        yield Finding("alignment", "wrong", sentence)
        return
    host = urlsplit(settings.base_url or "").hostname
    if host and _owner(host) != _owner(sender) and not _is_unreachable(host):
        sentence = f"Mail comes from {sender} and leads to {host}: filters like one domain better than two."
        yield Finding("alignment", "todo", sentence)
        return
    yield Finding("alignment", "ok", "Sender, Message-IDs and links belong to one domain.")


def _transport(settings: Settings, development: bool) -> Iterator[Finding]:
    if settings.mail_transport == "mailbox":
        sentence = "Mail is kept in the development mailbox and reaches nobody."
        yield Finding("transport", "ok" if development else "wrong", sentence)
    if settings.delivery == "off" or settings.mail_missing:
        return
    who = "Celery's workers deliver" if settings.delivery == "celery" else "The web process delivers"
    yield Finding("delivery", "ok", f"{who} mail (FORUM_DELIVERY).")


def _moderators(settings: Settings, development: bool) -> Iterator[Finding]:
    unreal = [address for address in settings.moderators if is_reserved(domain_of(address))]
    if unreal and not development:
        sentence = f"FORUM_MODERATORS names {', '.join(unreal)}: sign-in links to examples reach nobody."
        yield Finding("moderators", "wrong", sentence)


def _is_unreachable(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return is_reserved(host)
    return address.is_loopback or address.is_unspecified


def _owner(domain: str) -> str:
    """The last two labels. Two names below one `co.uk` pass for related, which errs on the side of silence."""
    return ".".join(domain.casefold().rstrip(".").split(".")[-2:])
