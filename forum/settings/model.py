"""The settings themselves, read from a configuration: policy and infrastructure in one frozen object."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from limits import RateLimitItem

from ..errors import MailNotConfigured, SettingsError
from . import problems, values
from .infrastructure import Infrastructure
from .policy import Policy
from .reference import key_of

_NEEDED_FOR_MAIL = ("base_url", "mail_from", "mail_transport")


# Fields come from the last base first: policy stands before infrastructure wherever settings are listed.
class Settings(Infrastructure, Policy, frozen=True):
    """Everything a site may decide, read once and never changed; a change makes a new one."""

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
