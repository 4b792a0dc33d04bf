"""What every table stands on: our own declarative base, and the types that mean the same on every database."""

from __future__ import annotations

import datetime as dt
from typing import Any, ClassVar, cast

from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    Dialect,
    Double,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
)
from sqlalchemy.dialects.mysql import DATETIME, LONGTEXT, VARCHAR
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import BindParameter, literal
from sqlalchemy.sql.functions import FunctionElement

# SQLite counts rows by itself only in a column declared INTEGER.
Id = BigInteger().with_variant(Integer(), "sqlite")
# MariaDB's TEXT ends at 64 KB and, outside strict mode, cuts what is longer: sanitised HTML would lose its quotes.
LongText = Text().with_variant(LONGTEXT(), "mysql", "mariadb")


def key_text(length: int) -> String:
    """Text that is compared letter by letter: MariaDB's usual collations take "e" and "é" for one key."""
    exact = VARCHAR(length, collation="utf8mb4_bin")
    return String(length).with_variant(exact, "mysql", "mariadb")


class UtcDateTime(TypeDecorator[dt.datetime]):
    """An aware UTC time in Python, stored without a zone so that every database compares it alike."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        """Keep microseconds on MariaDB, whose plain DATETIME drops them."""
        return dialect.type_descriptor(DATETIME(fsp=6) if dialect.name in ("mysql", "mariadb") else DateTime())

    def process_bind_param(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        """Refuse naive times: one of them is an error of some hours that nobody sees."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("Forum stores aware datetimes only.")
        return value.astimezone(dt.UTC).replace(tzinfo=None)

    def process_result_value(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        """Give the zone back."""
        return None if value is None else value.replace(tzinfo=dt.UTC)


class from_now(FunctionElement[dt.datetime]):
    """The database's own time plus some seconds: machines that share a database may differ in theirs."""

    name = "from_now"
    type = UtcDateTime()
    inherit_cache = True

    def __init__(self, seconds: float | BindParameter[float] = 0) -> None:
        super().__init__(literal(seconds, Double()) if isinstance(seconds, (int, float)) else seconds)


@compiles(from_now, "sqlite")
def _sqlite_from_now(element: from_now, compiler: SQLCompiler, **kw: Any) -> str:
    # Padded to the microseconds of stored times, since SQLite compares them as text.
    return f"strftime('%Y-%m-%d %H:%M:%f', 'now', {compiler.process(element.clauses, **kw)} || ' seconds') || '000'"


@compiles(from_now, "postgresql")
def _postgresql_from_now(element: from_now, compiler: SQLCompiler, **kw: Any) -> str:
    seconds = compiler.process(element.clauses, **kw)
    return f"(timezone('utc', clock_timestamp()) + make_interval(secs => {seconds}))"


@compiles(from_now, "mysql", "mariadb")
def _mariadb_from_now(element: from_now, compiler: SQLCompiler, **kw: Any) -> str:
    return f"date_add(utc_timestamp(6), interval {compiler.process(element.clauses, **kw)} second)"


def columns(model: type[Base]) -> Table:
    """The bare table of a model: for the few statements that run for every single mail, where the ORM costs double."""
    return cast("Table", model.__table__)


class Base(DeclarativeBase):
    """Our own base: a second ``SQLAlchemy()`` on one app raises, so the package never makes one."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        dt.datetime: UtcDateTime(),
        int: Integer(),
        list[str]: JSON(),
        dict[str, Any]: JSON(),
    }
