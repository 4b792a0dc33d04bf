"""The first tables: articles, threads, comments, and the whole of the outbox."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0001"
down_revision = None
branch_labels = ("forum",)
depends_on = None

# Written out here: a migration must stay what it was when the models move on.
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
LONG = sa.Text().with_variant(mysql.LONGTEXT(), "mysql", "mariadb")
TIME = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")


def exact(length: int) -> sa.types.TypeEngine[str]:
    return sa.String(length).with_variant(mysql.VARCHAR(length, collation="utf8mb4_bin"), "mysql", "mariadb")


def upgrade() -> None:
    op.create_table(
        "forum_address",
        sa.Column("id", ID, nullable=False),
        sa.Column("key", exact(320), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("confirmed_at", TIME, nullable=True),
        sa.Column("locale", sa.String(length=16), nullable=True),
        sa.Column("paused_until", TIME, nullable=True),
        sa.Column("active_at", TIME, nullable=False),
        sa.Column("nudges", sa.Integer(), nullable=False),
        sa.Column("changed_at", TIME, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_forum_address")),
        sa.UniqueConstraint("key", name=op.f("uq_forum_address_key")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "forum_article",
        sa.Column("id", ID, nullable=False),
        sa.Column("slug", exact(120), nullable=False),
        sa.Column("thread_key", exact(190), nullable=False),
        sa.Column("title", sa.String(length=300), nullable=False),
        sa.Column("author", sa.String(length=120), nullable=False),
        sa.Column("source", LONG, nullable=False),
        sa.Column("html", LONG, nullable=False),
        sa.Column("summary", sa.String(length=300), nullable=False),
        sa.Column("closed", sa.Boolean(), nullable=False),
        sa.Column("published_at", TIME, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_forum_article")),
        sa.UniqueConstraint("slug", name=op.f("uq_forum_article_slug")),
        sa.UniqueConstraint("thread_key", name=op.f("uq_forum_article_thread_key")),
    )
    op.create_table(
        "forum_audit",
        sa.Column("id", ID, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("actor", sa.String(length=190), nullable=False),
        sa.Column("act", sa.String(length=40), nullable=False),
        sa.Column("cause", sa.String(length=40), nullable=False),
        sa.Column("subject_kind", sa.String(length=16), nullable=False),
        sa.Column("subject_id", ID, nullable=False),
        sa.Column("before", sa.String(length=190), nullable=True),
        sa.Column("after", sa.String(length=190), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_forum_audit")),
    )
    with op.batch_alter_table("forum_audit", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_forum_audit_subject_kind_subject_id"), ["subject_kind", "subject_id"], unique=False
        )

    op.create_table(
        "forum_captured",
        sa.Column("id", ID, nullable=False),
        sa.Column("envelope_from", sa.String(length=320), nullable=False),
        sa.Column("envelope_to", sa.String(length=320), nullable=False),
        sa.Column("raw", LONG, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_forum_captured")),
    )
    op.create_table(
        "forum_sign_in",
        sa.Column("id", ID, nullable=False),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("used_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_forum_sign_in")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("forum_sign_in", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_forum_sign_in_email"), ["email"], unique=False)

    op.create_table(
        "forum_suppression",
        sa.Column("id", ID, nullable=False),
        sa.Column("key_hash", sa.String(length=64), nullable=False),
        sa.Column("why", sa.String(length=40), nullable=False),
        sa.Column("since", TIME, nullable=False),
        sa.Column("until", TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_forum_suppression")),
        sa.UniqueConstraint("key_hash", name=op.f("uq_forum_suppression_key_hash")),
    )
    op.create_table(
        "forum_thread",
        sa.Column("id", ID, nullable=False),
        sa.Column("key", exact(190), nullable=False),
        sa.Column("title", sa.String(length=300), nullable=False),
        sa.Column("url", sa.String(length=2000), nullable=False),
        sa.Column("subject", sa.String(length=300), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("comments", sa.Integer(), nullable=False),
        sa.Column("branches", sa.Integer(), nullable=False),
        sa.Column("closed", sa.Boolean(), nullable=False),
        sa.Column("gone", sa.Boolean(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_forum_thread")),
        sa.UniqueConstraint("key", name=op.f("uq_forum_thread_key")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "forum_worker",
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("seen_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_forum_worker")),
    )
    op.create_table(
        "forum_comment",
        sa.Column("id", ID, nullable=False),
        sa.Column("thread_id", ID, nullable=False),
        sa.Column("parent_id", ID, nullable=True),
        sa.Column("branch", sa.Integer(), nullable=True),
        sa.Column("depth", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("removed_by", sa.String(length=12), nullable=True),
        sa.Column("name", sa.String(length=160), nullable=False),
        sa.Column("website", sa.String(length=500), nullable=True),
        sa.Column("source", LONG, nullable=False),
        sa.Column("html", LONG, nullable=False),
        sa.Column("renderer", sa.String(length=40), nullable=False),
        sa.Column("address_id", ID, nullable=True),
        sa.Column("identity_ref", sa.String(length=190), nullable=True),
        sa.Column("is_moderator", sa.Boolean(), nullable=False),
        sa.Column("visitor_hash", sa.String(length=64), nullable=True),
        sa.Column("network", sa.String(length=64), nullable=True),
        sa.Column("nonce", exact(64), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("published_at", TIME, nullable=True),
        sa.Column("edited_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(
            ["address_id"], ["forum_address.id"], name=op.f("fk_forum_comment_address_id_forum_address")
        ),
        sa.ForeignKeyConstraint(
            ["parent_id"], ["forum_comment.id"], name=op.f("fk_forum_comment_parent_id_forum_comment")
        ),
        sa.ForeignKeyConstraint(
            ["thread_id"], ["forum_thread.id"], name=op.f("fk_forum_comment_thread_id_forum_thread")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_forum_comment")),
        sa.UniqueConstraint("nonce", "digest", name=op.f("uq_forum_comment_nonce_digest")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("forum_comment", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_forum_comment_address_id"), ["address_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_forum_comment_identity_ref"), ["identity_ref"], unique=False)
        batch_op.create_index(batch_op.f("ix_forum_comment_parent_id"), ["parent_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_forum_comment_state_created_at"), ["state", "created_at"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_forum_comment_thread_id_branch_id"), ["thread_id", "branch", "id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_forum_comment_thread_id_visitor_hash"), ["thread_id", "visitor_hash"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_forum_comment_thread_id_digest"), ["thread_id", "digest"], unique=False)

    op.create_table(
        "forum_message",
        sa.Column("id", ID, nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("address_id", ID, nullable=False),
        sa.Column("thread_id", ID, nullable=True),
        sa.Column("to_addr", sa.String(length=320), nullable=False),
        sa.Column("domain", sa.String(length=255), nullable=False),
        sa.Column("rfc_message_id", exact(190), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("skip_reason", sa.String(length=40), nullable=True),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("network", sa.String(length=64), nullable=True),
        sa.Column("not_before", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("ambiguous", sa.Integer(), nullable=False),
        sa.Column("lease_token", sa.String(length=32), nullable=True),
        sa.Column("lease_until", TIME, nullable=True),
        sa.Column("date_header", TIME, nullable=True),
        sa.Column("first_attempt_at", TIME, nullable=True),
        sa.Column("accepted_at", TIME, nullable=True),
        sa.Column("smtp_code", sa.Integer(), nullable=True),
        sa.Column("enhanced_code", sa.String(length=16), nullable=True),
        sa.Column("last_error", sa.String(length=500), nullable=True),
        sa.Column("queue_id", sa.String(length=120), nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["address_id"], ["forum_address.id"], name=op.f("fk_forum_message_address_id_forum_address")
        ),
        sa.ForeignKeyConstraint(
            ["thread_id"], ["forum_thread.id"], name=op.f("fk_forum_message_thread_id_forum_thread")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_forum_message")),
        sa.UniqueConstraint("rfc_message_id", name=op.f("uq_forum_message_rfc_message_id")),
    )
    with op.batch_alter_table("forum_message", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_forum_message_address_id_thread_id_state"),
            ["address_id", "thread_id", "state"],
            unique=False,
        )
        batch_op.create_index(batch_op.f("ix_forum_message_domain_state"), ["domain", "state"], unique=False)
        batch_op.create_index(batch_op.f("ix_forum_message_lease_until"), ["lease_until"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_forum_message_state_not_before_priority"), ["state", "not_before", "priority"], unique=False
        )

    op.create_table(
        "forum_mute",
        sa.Column("id", ID, nullable=False),
        sa.Column("address_id", ID, nullable=False),
        sa.Column("thread_id", ID, nullable=False),
        sa.Column("until", TIME, nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["address_id"], ["forum_address.id"], name=op.f("fk_forum_mute_address_id_forum_address")
        ),
        sa.ForeignKeyConstraint(["thread_id"], ["forum_thread.id"], name=op.f("fk_forum_mute_thread_id_forum_thread")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_forum_mute")),
        sa.UniqueConstraint("address_id", "thread_id", name=op.f("uq_forum_mute_address_id_thread_id")),
    )
    op.create_table(
        "forum_actor_mute",
        sa.Column("id", ID, nullable=False),
        sa.Column("address_id", ID, nullable=False),
        sa.Column("actor_id", ID, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["actor_id"], ["forum_address.id"], name=op.f("fk_forum_actor_mute_actor_id_forum_address")
        ),
        sa.ForeignKeyConstraint(
            ["address_id"], ["forum_address.id"], name=op.f("fk_forum_actor_mute_address_id_forum_address")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_forum_actor_mute")),
        sa.UniqueConstraint("address_id", "actor_id", name=op.f("uq_forum_actor_mute_address_id_actor_id")),
    )
    op.create_table(
        "forum_pace",
        sa.Column("id", ID, nullable=False),
        sa.Column("address_id", ID, nullable=False),
        sa.Column("thread_id", ID, nullable=False),
        sa.Column("until", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["address_id"], ["forum_address.id"], name=op.f("fk_forum_pace_address_id_forum_address")
        ),
        sa.ForeignKeyConstraint(["thread_id"], ["forum_thread.id"], name=op.f("fk_forum_pace_thread_id_forum_thread")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_forum_pace")),
        sa.UniqueConstraint("address_id", "thread_id", name=op.f("uq_forum_pace_address_id_thread_id")),
    )
    op.create_table(
        "forum_attempt",
        sa.Column("id", ID, nullable=False),
        sa.Column("message_id", ID, nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("worker", sa.String(length=80), nullable=False),
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("ended_at", TIME, nullable=False),
        sa.Column("phase", sa.String(length=16), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("code", sa.Integer(), nullable=True),
        sa.Column("text", sa.String(length=500), nullable=False),
        sa.ForeignKeyConstraint(
            ["message_id"], ["forum_message.id"], name=op.f("fk_forum_attempt_message_id_forum_message")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_forum_attempt")),
    )
    with op.batch_alter_table("forum_attempt", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_forum_attempt_message_id"), ["message_id"], unique=False)

    op.create_table(
        "forum_event",
        sa.Column("id", ID, nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("comment_id", ID, nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("cursor", ID, nullable=False),
        sa.Column("not_before", TIME, nullable=False),
        sa.Column("lease_token", sa.String(length=32), nullable=True),
        sa.Column("lease_until", TIME, nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.String(length=500), nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["comment_id"], ["forum_comment.id"], name=op.f("fk_forum_event_comment_id_forum_comment")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_forum_event")),
        sa.UniqueConstraint("kind", "comment_id", name=op.f("uq_forum_event_kind_comment_id")),
    )
    with op.batch_alter_table("forum_event", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_forum_event_state_not_before"), ["state", "not_before"], unique=False)

    op.create_table(
        "forum_subscription",
        sa.Column("id", ID, nullable=False),
        sa.Column("address_id", ID, nullable=False),
        sa.Column("thread_id", ID, nullable=False),
        sa.Column("comment_id", ID, nullable=True),
        sa.Column("target", sa.String(length=40), nullable=False),
        sa.Column("scope", sa.String(length=8), nullable=False),
        sa.Column("cadence", sa.String(length=8), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("consent_at", TIME, nullable=False),
        sa.Column("consent_network", sa.String(length=64), nullable=True),
        sa.Column("consent_wording", sa.String(length=40), nullable=False),
        sa.Column("identity_ref", sa.String(length=190), nullable=True),
        sa.ForeignKeyConstraint(
            ["address_id"], ["forum_address.id"], name=op.f("fk_forum_subscription_address_id_forum_address")
        ),
        sa.ForeignKeyConstraint(
            ["comment_id"], ["forum_comment.id"], name=op.f("fk_forum_subscription_comment_id_forum_comment")
        ),
        sa.ForeignKeyConstraint(
            ["thread_id"], ["forum_thread.id"], name=op.f("fk_forum_subscription_thread_id_forum_thread")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_forum_subscription")),
        sa.UniqueConstraint("address_id", "target", name=op.f("uq_forum_subscription_address_id_target")),
    )
    with op.batch_alter_table("forum_subscription", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_forum_subscription_comment_id"), ["comment_id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_forum_subscription_thread_id_scope_state"), ["thread_id", "scope", "state"], unique=False
        )

    op.create_table(
        "forum_item",
        sa.Column("id", ID, nullable=False),
        sa.Column("event_id", ID, nullable=False),
        sa.Column("comment_id", ID, nullable=False),
        sa.Column("thread_id", ID, nullable=False),
        sa.Column("address_id", ID, nullable=False),
        sa.Column("subscription_id", ID, nullable=True),
        sa.Column("reason", sa.String(length=12), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("skip_reason", sa.String(length=40), nullable=True),
        sa.Column("cadence", sa.String(length=8), nullable=False),
        sa.Column("due_at", TIME, nullable=False),
        sa.Column("message_id", ID, nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["address_id"], ["forum_address.id"], name=op.f("fk_forum_item_address_id_forum_address")
        ),
        sa.ForeignKeyConstraint(
            ["comment_id"], ["forum_comment.id"], name=op.f("fk_forum_item_comment_id_forum_comment")
        ),
        sa.ForeignKeyConstraint(["event_id"], ["forum_event.id"], name=op.f("fk_forum_item_event_id_forum_event")),
        sa.ForeignKeyConstraint(
            ["message_id"], ["forum_message.id"], name=op.f("fk_forum_item_message_id_forum_message")
        ),
        sa.ForeignKeyConstraint(
            ["subscription_id"],
            ["forum_subscription.id"],
            name=op.f("fk_forum_item_subscription_id_forum_subscription"),
        ),
        sa.ForeignKeyConstraint(["thread_id"], ["forum_thread.id"], name=op.f("fk_forum_item_thread_id_forum_thread")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_forum_item")),
        sa.UniqueConstraint("comment_id", "address_id", name=op.f("uq_forum_item_comment_id_address_id")),
    )
    with op.batch_alter_table("forum_item", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_forum_item_address_id_thread_id_state"), ["address_id", "thread_id", "state"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_forum_item_event_id"), ["event_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_forum_item_message_id"), ["message_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_forum_item_state_due_at"), ["state", "due_at"], unique=False)


def downgrade() -> None:
    # A table takes its indexes along; MariaDB would not let go of those that carry a foreign key.
    op.drop_table("forum_item")
    op.drop_table("forum_subscription")
    op.drop_table("forum_event")
    op.drop_table("forum_attempt")
    op.drop_table("forum_pace")
    op.drop_table("forum_actor_mute")
    op.drop_table("forum_mute")
    op.drop_table("forum_message")
    op.drop_table("forum_comment")
    op.drop_table("forum_worker")
    op.drop_table("forum_thread")
    op.drop_table("forum_suppression")
    op.drop_table("forum_sign_in")
    op.drop_table("forum_captured")
    op.drop_table("forum_audit")
    op.drop_table("forum_article")
    op.drop_table("forum_address")
