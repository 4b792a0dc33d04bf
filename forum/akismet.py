"""A comment in, the opinion of a service that speaks the protocol of Akismet 1.1 out.

Nothing is stored, and nobody waits for longer than a few seconds whatever the service does.
"""

from __future__ import annotations

import datetime as dt
import socket
import threading
from collections.abc import Mapping
from contextlib import suppress

# Not urllib.request: that follows redirects and the environment's proxies, and this is a key and people's words. A
# client library would bring a package for four POSTs, and none bounds an answer that drips.
from http.client import HTTPConnection, HTTPSConnection
from typing import Final, Literal, NamedTuple
from urllib.parse import urlencode, urlsplit

from .errors import ForumError

# The reason of a comment that waits for the answer.
ASKED: Final = "akismet:asked"
Answer = Literal["ham", "spam", "discard"]
# For a connection and each pause of the answer; and for all of it, names and TLS included.
PAUSE: Final = 3.0
SECONDS: Final = 6.0
# Answers are one word.
_MOST: Final = 1024
_WORDS: Final = 200


class Unavailable(ForumError):
    """The service gave no answer that means anything; the message says why."""


class InvalidKey(Unavailable):
    """The service does not know the key: asking again is no use."""


class Subject(NamedTuple):
    """What is sent of one comment; ``ip`` stands for where it came from."""

    kind: Literal["comment", "reply"]
    author: str
    email: str | None
    website: str | None
    body: str
    at: dt.datetime
    page: str
    ip: str

    @property
    def fields(self) -> dict[str, str]:
        """As the protocol names them."""
        named = {
            "comment_type": self.kind,
            "comment_author": self.author,
            "comment_author_email": self.email,
            "comment_author_url": self.website,
            "comment_content": self.body,
            "comment_date_gmt": self.at.astimezone(dt.UTC).isoformat(timespec="seconds"),
            "permalink": self.page,
            "user_ip": self.ip,
        }
        return {name: value for name, value in named.items() if value}


class Reply(NamedTuple):
    """The service's word, and what it says beside it."""

    word: str
    tip: str | None
    advice: str | None

    def unexpected(self) -> Unavailable:
        """The error for a word that is no answer."""
        if self.word == "invalid":
            return InvalidKey(f"The key is not valid. {_line(self.advice or '')}".rstrip())
        return Unavailable(f"It answered {_line(self.advice or self.word)!r}.")


class Service:
    """The service at ``url`` (http or https), asked with the account's ``key`` for the site ``blog``.

    With ``is_test`` it learns nothing from what it is asked. Each call takes ``SECONDS`` at most and raises
    Unavailable when there is no answer, InvalidKey when the key is refused.
    """

    def __init__(self, url: str, key: str, blog: str, *, is_test: bool = False) -> None:
        self._url, self._key, self._blog, self._is_test = urlsplit(url), key, blog, is_test

    def check(self, subject: Subject) -> Answer:
        """What the service takes the comment for; `discard` is spam that nobody need look at."""
        reply = self._post("comment-check", subject.fields)
        if reply.word not in ("true", "false"):
            raise reply.unexpected()
        if reply.word == "false":
            return "ham"
        return "discard" if reply.tip == "discard" else "spam"

    def teach(self, subject: Subject, kind: Literal["spam", "ham"]) -> None:
        """Tell the service what a moderator called the comment."""
        reply = self._post(f"submit-{kind}", subject.fields)
        if reply.word == "invalid":
            raise reply.unexpected()

    def verify(self) -> None:
        """Return when the key is good for this site."""
        reply = self._post("verify-key", {"key": self._key})
        if reply.word != "valid":
            raise reply.unexpected()

    def _post(self, method: str, fields: Mapping[str, str]) -> Reply:
        every = {"api_key": self._key, "blog": self._blog, "blog_charset": "UTF-8", **fields}
        if self._is_test:
            every["is_test"] = "1"
        return _Exchange(self._connection(), f"{self._url.path}/1.1/{method}", every).reply()

    def _connection(self) -> HTTPConnection:
        kind = HTTPSConnection if self._url.scheme == "https" else HTTPConnection
        return kind(self._url.hostname or "", self._url.port, timeout=PAUSE)


class _Exchange:
    """One POST in a thread of its own, which can be left: names are looked up without an end, and bytes may drip."""

    def __init__(self, connection: HTTPConnection, path: str, fields: Mapping[str, str]) -> None:
        self._connection, self._path = connection, path
        self._body = urlencode(fields, errors="replace").encode("ascii")
        self._socket: socket.socket | None = None
        self._result: Reply | Exception | None = None

    def reply(self) -> Reply:
        thread = threading.Thread(target=self._run, name="forum-akismet", daemon=True)
        thread.start()
        thread.join(SECONDS)
        result = self._result
        if isinstance(result, Reply):
            return result
        self._cut()
        if result is None:
            raise Unavailable(f"It did not answer within {SECONDS:g} seconds.")
        raise Unavailable(f"{type(result).__name__}: {_line(str(result))}") from result

    def _run(self) -> None:
        try:
            self._result = self._talk()
        except Exception as error:  # whatever the other side sends, the caller hears of it
            self._result = error
        finally:
            self._connection.close()

    def _talk(self) -> Reply:
        self._connection.connect()
        # The connection forgets it with the head of an answer, whose end may still be to come.
        self._socket = self._connection.sock
        headers = {
            "Content-Type": "application/x-www-form-urlencoded; charset=utf-8",
            "User-Agent": "Forum | Akismet/1.1",
            "Connection": "close",
        }
        self._connection.request("POST", self._path, self._body, headers)
        with self._connection.getresponse() as response:
            if response.status != 200:
                raise Unavailable(f"It answered with the status {response.status}.")
            word = response.read(_MOST).decode("utf-8", "replace").strip()
            return Reply(word, response.getheader("X-akismet-pro-tip"), response.getheader("X-akismet-debug-help"))

    def _cut(self) -> None:
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)


def _line(text: str) -> str:
    """What is safe to log of somebody else's words."""
    return "".join(char if char.isprintable() else " " for char in text)[:_WORDS]
