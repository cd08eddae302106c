"""Sagas that are run and not only recorded, the marks of what was published, notices, and calendar secrets.

Revision: 0003
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_KEY = sa.String(64).with_variant(sa.String(64, collation="C"), "postgresql")

# What is carried on, with the digests of the definitions with which this release begins them: their first step is done.
_CARRIED_ON = {
    "register_doctor": "48d18c0ff7f9",
    "register_patient": "119a18a18fb6",
    "register_administrator": "90b11d353d10",
    "close_account": "b4d8ac98e547",
}


def _where(condition: str) -> dict[str, Any]:
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


def upgrade() -> None:
    """Tell nobody of the past; what it has begun with accounts is carried on.

    A registration that was not finished is undone, a closed account anonymised; all else has completed.
    """
    op.execute("CREATE TABLE earlier_sagas AS SELECT id, name, subject, open FROM sagas")
    op.drop_table("sagas")
    op.create_table(
        "sagas",
        sa.Column("id", _KEY, primary_key=True),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("subject", _KEY, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(12), nullable=False),
        sa.Column("phase", sa.String(16), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text()),
        sa.Column("stuck_in", sa.String(16)),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("claims", sa.Integer(), nullable=False),
        sa.Column("owner", sa.Text()),
        sa.Column("lease_until", sa.BigInteger()),
        sa.Column("due_at", sa.BigInteger()),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sqlite_with_rowid=False,
    )
    for name, digest in _CARRIED_ON.items():
        op.execute(_kept("forward", digest, due="0", which=f"open AND name = '{name}'"))
    names = ", ".join(f"'{name}'" for name in _CARRIED_ON)
    op.execute(_kept("completed", "", due="NULL", which=f"NOT (open AND name IN ({names}))"))
    op.drop_table("earlier_sagas")
    op.create_index("ix_sagas_due", "sagas", ["due_at", "id"], **_where("due_at IS NOT NULL"))
    op.create_index("ix_sagas_owner", "sagas", ["owner"], **_where("owner IS NOT NULL"))
    op.create_index("ix_sagas_started", "sagas", ["started_at", "id"])
    for column in ("name", "phase", "subject"):
        op.create_index(f"ix_sagas_{column}", "sagas", [column, "started_at", "id"])
    op.create_table(
        "interventions",
        sa.Column("saga_id", _KEY, primary_key=True),
        sa.Column("seq", sa.Integer(), primary_key=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by", _KEY, nullable=False),
        sa.Column("verb", sa.String(16), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "published",
        sa.Column("subject", _KEY, primary_key=True),
        sa.Column("seq", sa.Integer(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.execute("INSERT INTO published (subject, seq) SELECT id, rev FROM appointments")
    op.execute("INSERT INTO published (subject, seq) SELECT doctor_id, max(rev) FROM decisions GROUP BY doctor_id")
    _create_notices()
    op.create_table(
        "feeds",
        sa.Column("account_id", _KEY, primary_key=True),
        sa.Column("secret_index", _KEY, nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_feeds_secret", "feeds", ["secret_index"], unique=True)


def _kept(phase: str, digest: str, *, due: str, which: str) -> str:
    return (
        "INSERT INTO sagas (id, name, subject, version, digest, phase, step, attempt, seq, fence, claims, due_at,"  # noqa: S608 # our own text
        f" started_at, changed_at) SELECT id, name, subject, 1, '{digest}', '{phase}', 1, 1, 0, 0, 0, {due}, 0, 0"
        f" FROM earlier_sagas WHERE {which}"
    )


def _create_notices() -> None:
    op.create_table(
        "notices",
        sa.Column("id", _KEY, primary_key=True),
        sa.Column("event", _KEY, nullable=False),
        sa.Column("reader", _KEY, nullable=False),
        sa.Column("channel", sa.String(16), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("subject", _KEY, nullable=False),
        sa.Column("appointment_id", _KEY),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.Text()),
        sa.Column("due_at", sa.BigInteger()),
        sa.Column("read_at", sa.BigInteger()),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_notices_once", "notices", ["event", "reader", "channel"], unique=True)
    op.create_index("ix_notices_inbox", "notices", ["reader", "channel", "at", "seq", "id"])
    op.create_index("ix_notices_pending", "notices", ["reader", "subject", "seq"], **_where("status = 'pending'"))
    op.create_index("ix_notices_log", "notices", ["at", "seq", "id"])
    op.create_index("ix_notices_status", "notices", ["status", "at", "seq", "id"])
    op.create_index("ix_notices_appointment", "notices", ["appointment_id", "at", "seq", "id"])


def downgrade() -> None:
    """Keep of the sagas what the earlier release knows of them, and forget the rest."""
    op.execute(
        "CREATE TABLE later_sagas AS SELECT id, name, subject, due_at IS NOT NULL AS is_open FROM sagas"
        " WHERE name <> 'remind'"
    )
    for table in ("feeds", "notices", "published", "interventions", "sagas"):
        op.drop_table(table)
    op.create_table(
        "sagas",
        sa.Column("id", _KEY, primary_key=True),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("subject", _KEY, nullable=False),
        sa.Column("open", sa.Boolean(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.execute("INSERT INTO sagas (id, name, subject, open) SELECT id, name, subject, is_open FROM later_sagas")
    op.drop_table("later_sagas")
    op.execute("DELETE FROM credentials WHERE secret_hash = '-'")
