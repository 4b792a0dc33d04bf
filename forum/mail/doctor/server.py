"""The mail server as Flask-Mail's keys name it: is the way there safe, and is the sign-in whole?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from ...settings import Settings
from .finding import Finding

_HERE: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_TLS_FROM_THE_START, _SUBMISSION = 465, 587


def server(config: Mapping[str, Any], settings: Settings) -> list[Finding]:
    """Check the MAIL_* keys of ``config`` for the smtp transport; nothing is asked of the server itself."""
    if settings.mail_transport != "smtp":
        return []
    found = [*_switched_off(config), *_tls(config), *_sign_in(config), *_ca_file(settings)]
    host, port = _host(config), config.get("MAIL_PORT") or 25
    return found or [Finding("server", "ok", f"Mail goes to {host}, port {port}; `flask forum mail test` tries it.")]


def _switched_off(config: Mapping[str, Any]) -> Iterator[Finding]:
    for key in ("MAIL_SUPPRESS_SEND", "TESTING"):
        if config.get(key):
            yield Finding("suppressed", "wrong", f"{key} is true: mail is made and thrown away.")


def _tls(config: Mapping[str, Any]) -> Iterator[Finding]:
    start, later = bool(config.get("MAIL_USE_SSL")), bool(config.get("MAIL_USE_TLS"))
    port = config.get("MAIL_PORT")
    if start and later:
        yield Finding("tls", "wrong", "MAIL_USE_SSL and MAIL_USE_TLS exclude each other; set one of them.")
    elif start and port == _SUBMISSION:
        yield Finding("tls", "wrong", "Port 587 begins without TLS: set MAIL_USE_TLS instead of MAIL_USE_SSL.")
    elif port == _TLS_FROM_THE_START and not start:
        yield Finding("tls", "wrong", "Port 465 begins with TLS: set MAIL_USE_SSL, and not MAIL_USE_TLS.")
    elif not start and not later and _host(config) not in _HERE:
        yield _open_way(config)


def _open_way(config: Mapping[str, Any]) -> Finding:
    if config.get("MAIL_USERNAME"):
        return Finding("tls", "wrong", f"The password goes to {_host(config)} in clear: set MAIL_USE_TLS.")
    return Finding("tls", "todo", f"Mail goes to {_host(config)} in clear: set MAIL_USE_TLS if it can.")


def _sign_in(config: Mapping[str, Any]) -> Iterator[Finding]:
    if bool(config.get("MAIL_USERNAME")) != bool(config.get("MAIL_PASSWORD")):
        yield Finding("sign_in", "wrong", "Only one of MAIL_USERNAME and MAIL_PASSWORD is set: nobody signs in.")


def _ca_file(settings: Settings) -> Iterator[Finding]:
    if settings.mail_ca_file and not Path(settings.mail_ca_file).is_file():
        yield Finding("ca_file", "wrong", f"FORUM_MAIL_CA_FILE names {settings.mail_ca_file}, which is not there.")


def _host(config: Mapping[str, Any]) -> str:
    return str(config.get("MAIL_SERVER") or "127.0.0.1")
