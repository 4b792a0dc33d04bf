"""Blinker signals: one for every change of state. The sender is the Flask app; receivers run in its transaction.

A receiver that raises fails the request or command that caused the change, so keep receivers short. Only
``message_sent`` comes afterwards, when the mail has left: what its receivers raise is logged.
"""

from __future__ import annotations

from blinker import Namespace

_signals = Namespace()

comment_posted = _signals.signal("forum.comment-posted", doc="A comment was stored, published or held: `comment`.")
comment_published = _signals.signal("forum.comment-published", doc="A comment became visible: `comment`.")
comment_edited = _signals.signal("forum.comment-edited", doc="The text of a comment changed: `comment`.")
comment_removed = _signals.signal("forum.comment-removed", doc="A comment was taken away: `comment`.")
comment_rejected = _signals.signal("forum.comment-rejected", doc="A moderator refused a held comment: `comment`.")
address_confirmed = _signals.signal("forum.address-confirmed", doc="An address proved itself: `address`.")
address_unsubscribed = _signals.signal("forum.address-unsubscribed", doc="An address wants no more mail: `address`.")
message_sent = _signals.signal("forum.message-sent", doc="A mail was accepted by the mail server: `message`.")
