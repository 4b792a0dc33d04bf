"""Ids in our paths: ASCII digits, as large as a database can hold. Flask's own `int` takes any digit of Unicode."""

from __future__ import annotations

from flask import Flask
from werkzeug.routing import IntegerConverter

_LARGEST = 2**63 - 1


class IdConverter(IntegerConverter):
    """Matches ``<forum_id:…>`` in a rule."""

    regex = "[0-9]{1,19}"

    def to_python(self, value: str) -> int:
        """The id; what no row can have is found nowhere."""
        return min(int(value), _LARGEST)


def register(app: Flask) -> None:
    """Teach the app's URL map our converter, under a name no host uses."""
    app.url_map.converters["forum_id"] = IdConverter
