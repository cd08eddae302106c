"""Meetings and what is said in them, ratings and their sums.

Revision: 0004
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_KEY = sa.String(64).with_variant(sa.String(64, collation="C"), "postgresql")

# What ends an appointment ends its meeting too, as the last step; the digests are those of the definitions before that.
_WITHOUT_A_MEETING = {
    "refuse": "a21bcb09ac1e",
    "expire": "239af376d6db",
    "cancel": "eea6072ee010",
    "complete": "652cb854be2e",
    "no_show": "62d53bee2d42",
}
_END_MEETING = 2


def _where(condition: str) -> dict[str, Any]:
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


def upgrade() -> None:
    """Add them; there are none yet."""
    op.create_table(
        "meetings",
        sa.Column("appointment_id", _KEY, primary_key=True),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("meeting_id", _KEY, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "signal_logs",
        sa.Column("meeting_id", _KEY, primary_key=True),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("closed", sa.Boolean(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "signals",
        sa.Column("meeting_id", _KEY, primary_key=True),
        sa.Column("seq", sa.Integer(), primary_key=True),
        sa.Column("side", sa.String(16), nullable=False),
        sa.Column("connection_id", _KEY),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("owner", sa.Text()),
        sa.Column("sealed", sa.LargeBinary()),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_signals_presence", "signals", ["meeting_id", "side"], unique=True, **_where("sealed IS NULL"))
    op.create_index("ix_signals_owner", "signals", ["owner"], **_where("owner IS NOT NULL"))
    op.create_table(
        "ratings",
        sa.Column("appointment_id", _KEY, primary_key=True),
        sa.Column("doctor_id", _KEY, nullable=False),
        sa.Column("score", sa.Integer(), nullable=False),
        sa.Column("comment_seq", sa.Integer()),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("command_id", _KEY, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_ratings_doctor", "ratings", ["doctor_id", "at", "appointment_id"])
    op.create_table(
        "rating_sums",
        sa.Column("doctor_id", _KEY, primary_key=True),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    """Forget them, comments too; of the sagas, do without the step that the earlier release does not know."""
    op.execute(
        f"UPDATE sagas SET phase = 'completed', step = {_END_MEETING}, attempt = 1, error = NULL, stuck_in = NULL,"  # noqa: S608 # our own text
        f" claims = 0, owner = NULL, lease_until = NULL, due_at = NULL WHERE version = 2 AND step >= {_END_MEETING}"
    )
    for name, digest in _WITHOUT_A_MEETING.items():
        op.execute(f"UPDATE sagas SET version = 1, digest = '{digest}' WHERE version = 2 AND name = '{name}'")  # noqa: S608 # as above
    op.execute(
        "DELETE FROM texts WHERE EXISTS (SELECT 1 FROM ratings"
        " WHERE ratings.appointment_id = texts.owner AND ratings.comment_seq = texts.seq)"
    )
    for table in ("rating_sums", "ratings", "signals", "signal_logs", "meetings"):
        op.drop_table(table)
