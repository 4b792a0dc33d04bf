"""A delivery engine: turns instead of priorities, throttles, tallies, and what came back from an address."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.mysql import DATETIME, VARCHAR

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime().with_variant(DATETIME(fsp=6), "mysql", "mariadb")
LONG_AGO = "1970-01-01 00:00:00.000000"


def exact(length: int) -> sa.types.TypeEngine[str]:
    return sa.String(length).with_variant(VARCHAR(length, collation="utf8mb4_bin"), "mysql", "mariadb")


def upgrade() -> None:
    op.create_table(
        "forum_throttle",
        sa.Column("id", ID, nullable=False),
        sa.Column("scope", sa.String(length=12), nullable=False),
        sa.Column("key", exact(255), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("open_until", TIME, nullable=True),
        sa.Column("rate", sa.Double(), nullable=True),
        sa.Column("last_error", sa.String(length=500), nullable=True),
        sa.Column("since", TIME, nullable=False),
        sa.Column("changed_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_forum_throttle")),
        sa.UniqueConstraint("scope", "key", name=op.f("uq_forum_throttle_scope_key")),
    )
    op.create_table(
        "forum_tally",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("labels", exact(190), nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_forum_tally")),
        sa.UniqueConstraint("name", "labels", name=op.f("uq_forum_tally_name_labels")),
    )
    # Columns are added and dropped in place: making a table anew would cut the foreign keys that point to it.
    op.add_column("forum_address", sa.Column("bounce_score", sa.Double(), server_default="0", nullable=False))
    op.add_column("forum_address", sa.Column("bounced_at", TIME, nullable=True))
    op.add_column("forum_address", sa.Column("resting_until", TIME, nullable=True))
    for name in ("opening", "envelope", "content", "waited"):
        op.add_column("forum_attempt", sa.Column(name, sa.Double(), nullable=True))
    op.add_column("forum_message", sa.Column("place", TIME, server_default=LONG_AGO, nullable=False))
    op.execute("UPDATE forum_message SET place = created_at")
    op.drop_index("ix_forum_message_state_not_before_priority", table_name="forum_message")
    op.create_index("ix_forum_message_state_place", "forum_message", ["state", "place"])
    op.create_index("ix_forum_message_accepted_at", "forum_message", ["accepted_at"])
    op.drop_column("forum_message", "priority")
    op.drop_column("forum_event", "lease_token")
    op.drop_column("forum_event", "lease_until")


def downgrade() -> None:
    op.add_column("forum_event", sa.Column("lease_until", TIME, nullable=True))
    op.add_column("forum_event", sa.Column("lease_token", sa.String(length=32), nullable=True))
    op.add_column("forum_message", sa.Column("priority", sa.Integer(), server_default="5", nullable=False))
    op.drop_index("ix_forum_message_accepted_at", table_name="forum_message")
    op.drop_index("ix_forum_message_state_place", table_name="forum_message")
    op.create_index("ix_forum_message_state_not_before_priority", "forum_message", ["state", "not_before", "priority"])
    op.drop_column("forum_message", "place")
    for name in ("waited", "content", "envelope", "opening"):
        op.drop_column("forum_attempt", name)
    for name in ("resting_until", "bounced_at", "bounce_score"):
        op.drop_column("forum_address", name)
    op.drop_table("forum_tally")
    op.drop_table("forum_throttle")
