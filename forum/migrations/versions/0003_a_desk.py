"""A desk: what moderators decide about people, pages and settings, what readers report, what the filter learned."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.mysql import DATETIME, LONGTEXT, VARCHAR

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime().with_variant(DATETIME(fsp=6), "mysql", "mariadb")
LONG = sa.Text().with_variant(LONGTEXT(), "mysql", "mariadb")


def exact(length: int) -> sa.types.TypeEngine[str]:
    return sa.String(length).with_variant(VARCHAR(length, collation="utf8mb4_bin"), "mysql", "mariadb")


def upgrade() -> None:
    # Columns are added and dropped in place: making a table anew would cut the foreign keys that point to it.
    op.add_column("forum_thread", sa.Column("held", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("forum_thread", sa.Column("silent", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("forum_thread", sa.Column("pinned_id", ID, nullable=True))
    op.add_column("forum_comment", sa.Column("text_hash", sa.String(length=64), nullable=True))
    op.add_column("forum_comment", sa.Column("learned", sa.String(length=4), nullable=True))
    op.create_index("ix_forum_comment_text_hash", "forum_comment", ["text_hash"])
    op.create_index("ix_forum_comment_visitor_hash", "forum_comment", ["visitor_hash"])
    op.create_index("ix_forum_comment_network", "forum_comment", ["network"])
    op.create_index("ix_forum_comment_is_moderator_name", "forum_comment", ["is_moderator", "name"])
    op.add_column("forum_audit", sa.Column("batch", sa.String(length=32), nullable=True))
    op.add_column("forum_audit", sa.Column("data", sa.JSON(), nullable=True))
    op.add_column("forum_audit", sa.Column("undone_at", TIME, nullable=True))
    op.create_index("ix_forum_audit_batch", "forum_audit", ["batch"])
    op.create_index("ix_forum_audit_at", "forum_audit", ["at"])
    _people()
    _readers()
    _filter()


def _people() -> None:
    op.create_table(
        "forum_setting",
        sa.Column("key", exact(64), nullable=False),
        sa.Column("value", sa.JSON(), nullable=False),
        sa.Column("changed_by", sa.String(length=190), nullable=False),
        sa.Column("changed_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_forum_setting")),
    )
    op.create_table(
        "forum_listing",
        sa.Column("id", ID, nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("value", exact(190), nullable=False),
        sa.Column("shown", sa.String(length=190), nullable=False),
        sa.Column("effect", sa.String(length=8), nullable=False),
        sa.Column("why", sa.String(length=190), nullable=False),
        sa.Column("until", TIME, nullable=True),
        sa.Column("created_by", sa.String(length=190), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_forum_listing")),
        sa.UniqueConstraint("kind", "value", name=op.f("uq_forum_listing_kind_value")),
        sqlite_autoincrement=True,
    )


def _readers() -> None:
    op.create_table(
        "forum_report",
        sa.Column("id", ID, nullable=False),
        sa.Column("comment_id", ID, nullable=False),
        sa.Column("reason", sa.String(length=12), nullable=False),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.Column("reporter", sa.String(length=64), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("settled_at", TIME, nullable=True),
        sa.Column("settled_by", sa.String(length=190), nullable=True),
        sa.ForeignKeyConstraint(
            ["comment_id"], ["forum_comment.id"], name=op.f("fk_forum_report_comment_id_forum_comment")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_forum_report")),
        sa.UniqueConstraint("comment_id", "reporter", name=op.f("uq_forum_report_comment_id_reporter")),
    )
    op.create_index("ix_forum_report_settled_at_created_at", "forum_report", ["settled_at", "created_at"])
    op.create_table(
        "forum_revision",
        sa.Column("id", ID, nullable=False),
        sa.Column("comment_id", ID, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("actor", sa.String(length=190), nullable=False),
        sa.Column("source", LONG, nullable=False),
        sa.ForeignKeyConstraint(
            ["comment_id"], ["forum_comment.id"], name=op.f("fk_forum_revision_comment_id_forum_comment")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_forum_revision")),
    )
    op.create_index("ix_forum_revision_comment_id", "forum_revision", ["comment_id"])


def _filter() -> None:
    op.create_table(
        "forum_refusal",
        sa.Column("id", ID, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("thread_key", exact(190), nullable=False),
        sa.Column("name", sa.String(length=160), nullable=False),
        sa.Column("excerpt", sa.String(length=300), nullable=False),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.Column("network", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_forum_refusal")),
    )
    op.create_index("ix_forum_refusal_at", "forum_refusal", ["at"])
    op.create_table(
        "forum_word",
        sa.Column("word", exact(40), nullable=False),
        sa.Column("spam", sa.Integer(), nullable=False),
        sa.Column("ham", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("word", name=op.f("pk_forum_word")),
    )


def downgrade() -> None:
    for table in ("forum_word", "forum_refusal", "forum_revision", "forum_report", "forum_listing", "forum_setting"):
        op.drop_table(table)
    op.drop_index("ix_forum_audit_at", table_name="forum_audit")
    op.drop_index("ix_forum_audit_batch", table_name="forum_audit")
    for name in ("undone_at", "data", "batch"):
        op.drop_column("forum_audit", name)
    op.drop_index("ix_forum_comment_is_moderator_name", table_name="forum_comment")
    op.drop_index("ix_forum_comment_network", table_name="forum_comment")
    op.drop_index("ix_forum_comment_visitor_hash", table_name="forum_comment")
    op.drop_index("ix_forum_comment_text_hash", table_name="forum_comment")
    for name in ("learned", "text_hash"):
        op.drop_column("forum_comment", name)
    for name in ("pinned_id", "silent", "held"):
        op.drop_column("forum_thread", name)
