"""What DNS says of the sender's domain: SPF, DKIM and DMARC, which mailbox providers ask for."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

from ...settings import Settings
from .finding import Finding, domain_of, is_reserved

# The TXT records of a name, none if there are none, None if the name does not exist. Raises OSError without an answer.
Resolver = Callable[[str], Sequence[str] | None]

# A key's name is its signer's choice; these are the ones that signers and providers choose.
_SELECTORS: Final = ("default", "mail", "dkim", "s1", "s2", "k1", "google", "selector1", "selector2", "forum")
_SECONDS: Final = 5.0
_ANYBODY: Final = re.compile(r"(?:^|\s)\+?all\b", re.IGNORECASE)


def records(settings: Settings, resolve: Resolver | None) -> list[Finding]:
    """Check the records of FORUM_MAIL_FROM's domain, if mail leaves by SMTP and the domain is a real one."""
    domain = domain_of(settings.mail_from or "")
    if settings.mail_transport != "smtp" or not domain or is_reserved(domain):
        return []
    if resolve is None:
        return [Finding("dns", "todo", "DNS was not asked: the package dnspython is not installed.")]
    try:
        if resolve(domain) is None:
            return [Finding("dns", "wrong", f"{domain} is not in the DNS: nobody accepts mail from there.")]
        return [_spf(domain, resolve), _dkim(domain, resolve), _dmarc(domain, resolve)]
    except OSError as error:
        return [Finding("dns", "todo", f"DNS gave no answer about {domain}: {error}")]


def resolver() -> Resolver | None:
    """Ask the system's name servers; None where dnspython is not installed."""
    try:
        import dns.exception
        import dns.resolver
    except ImportError:
        return None

    def resolve(name: str) -> list[str] | None:
        try:
            answer = dns.resolver.resolve(name, "TXT", lifetime=_SECONDS, raise_on_no_answer=False, search=False)
        except dns.resolver.NXDOMAIN:
            return None
        except dns.exception.DNSException as error:
            raise OSError(str(error)) from None
        return [b"".join(row.strings).decode("ascii", "replace") for row in answer.rrset or ()]

    return resolve


def _spf(domain: str, resolve: Resolver) -> Finding:
    found = _starting("v=spf1", resolve(domain))
    if not found:
        sentence = f'{domain} has no SPF record: add TXT {domain} "v=spf1 include:<your mail server\'s> -all".'
        return Finding("spf", "wrong", sentence)
    if len(found) > 1:
        return Finding("spf", "wrong", f"{domain} has {len(found)} SPF records, so none counts: merge them into one.")
    if _ANYBODY.search(found[0]):
        return Finding("spf", "wrong", f"The SPF record of {domain} lets everybody send: end it with -all or ~all.")
    return Finding("spf", "ok", f"SPF: {found[0]}")


def _dkim(domain: str, resolve: Resolver) -> Finding:
    for selector in _SELECTORS:
        if any("p=" in text for text in resolve(f"{selector}._domainkey.{domain}") or ()):
            return Finding("dkim", "ok", f"DKIM: there is a key at {selector}._domainkey.{domain}.")
    # A name that exists without records of its own has others below it.
    if resolve(f"_domainkey.{domain}") is not None:
        sentence = f"There are DKIM keys below _domainkey.{domain}, under a name we do not know"
        return Finding("dkim", "ok", f"{sentence}; `flask forum mail test` shows at the other end whether they sign.")
    return Finding("dkim", "todo", f"{domain} has no DKIM key: let your mail server sign, and publish its key.")


def _dmarc(domain: str, resolve: Resolver) -> Finding:
    for name in dict.fromkeys((domain, ".".join(domain.split(".")[-2:]))):
        found = _starting(r"v\s*=\s*dmarc1", resolve(f"_dmarc.{name}"))
        if len(found) > 1:
            return Finding("dmarc", "wrong", f"_dmarc.{name} has {len(found)} DMARC records, so none counts.")
        if found and not re.search(r";\s*p\s*=\s*(none|quarantine|reject)\b", found[0], re.IGNORECASE):
            return Finding("dmarc", "wrong", f"The DMARC record at _dmarc.{name} has no policy: add p=none at least.")
        if found:
            return Finding("dmarc", "ok", f"DMARC: {found[0]}")
    sentence = f'{domain} has no DMARC record: add TXT _dmarc.{domain} "v=DMARC1; p=none; rua=mailto:<an address>".'
    return Finding("dmarc", "todo", sentence)


def _starting(mark: str, texts: Sequence[str] | None) -> list[str]:
    # The word must end there: `v=spf10` is another thing than `v=spf1`.
    return [text for text in texts or () if re.match(rf"\s*{mark}\b", text, re.IGNORECASE)]
