"""Who has signed in, wrong passwords, when doctors registered, and what decisions on their registration left.

Revision: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_KEY = sa.String(64).with_variant(sa.String(64, collation="C"), "postgresql")


def upgrade() -> None:
    """Add them; who registered before did so in 1970, and every password is the first."""
    op.add_column("doctors", sa.Column("registered_at", sa.BigInteger(), nullable=False, server_default="0"))
    op.create_index("ix_doctors_queue", "doctors", ["registered_at", "id"])
    op.create_index("ix_doctors_queue_status", "doctors", ["status", "registered_at", "id"])
    op.add_column("credentials", sa.Column("rev", sa.Integer(), nullable=False, server_default="1"))
    op.create_table(
        "sessions",
        sa.Column("id", _KEY, primary_key=True),
        sa.Column("account_id", _KEY, nullable=False),
        sa.Column("password_rev", sa.Integer(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("graces", sa.Text(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_sessions_account", "sessions", ["account_id"])
    op.create_table(
        "attempts",
        sa.Column("key", _KEY, primary_key=True),
        sa.Column("count", sa.Integer()),
        sa.Column("until", sa.BigInteger()),
        sa.Column("locked_until", sa.BigInteger()),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_attempts_until", "attempts", ["until"])
    op.create_table(
        "decisions",
        sa.Column("doctor_id", _KEY, sa.ForeignKey("accounts.id"), primary_key=True),
        sa.Column("rev", sa.Integer(), primary_key=True),
        sa.Column("profile", sa.Text(), nullable=False),
        sa.Column("affected", sa.Text(), nullable=False),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    """Forget them."""
    for table in ("decisions", "attempts", "sessions"):
        op.drop_table(table)
    op.drop_column("credentials", "rev")
    op.drop_index("ix_doctors_queue_status", "doctors")
    op.drop_index("ix_doctors_queue", "doctors")
    op.drop_column("doctors", "registered_at")
