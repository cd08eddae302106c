"""The first tables.

Revision: 0001
"""

from typing import Any, Final

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_KEY = sa.String(64).with_variant(sa.String(64, collation="C"), "postgresql")
_LONG_KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_LIVE: Final[dict[str, Any]] = dict.fromkeys(("sqlite_where", "postgresql_where"), sa.text("due_at IS NOT NULL"))


def upgrade() -> None:
    """Create them all."""
    op.create_table(
        "persons",
        sa.Column("cpf_index", _KEY, primary_key=True),
        sa.Column("id", _KEY, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "accounts",
        sa.Column("id", _KEY, primary_key=True),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("person_id", _KEY, nullable=False),
        sa.Column("saga_id", _KEY, nullable=False),
        sa.Column("rev", sa.Integer(), nullable=False),
        sa.Column("cpf", sa.LargeBinary()),
        sa.Column("profile", sa.Text()),
    )
    op.create_table(
        "logins",
        sa.Column("space", sa.String(32), primary_key=True),
        sa.Column("login_index", _KEY, primary_key=True),
        sa.Column("account_id", _KEY, sa.ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "credentials",
        sa.Column("username", _KEY, primary_key=True),
        sa.Column("secret_hash", sa.Text(), nullable=False),
    )
    op.create_table(
        "doctors",
        sa.Column("id", _KEY, sa.ForeignKey("accounts.id"), primary_key=True),
        sa.Column("status", sa.String(32), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "doctor_specialties",
        sa.Column("specialty", sa.String(64), primary_key=True),
        sa.Column("doctor_id", _KEY, sa.ForeignKey("doctors.id"), primary_key=True),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "doctor_words",
        sa.Column("word", _LONG_KEY, primary_key=True),
        sa.Column("doctor_id", _KEY, sa.ForeignKey("doctors.id"), primary_key=True),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "schedules",
        sa.Column("doctor_id", _KEY, sa.ForeignKey("accounts.id"), primary_key=True),
        sa.Column("rev", sa.Integer(), nullable=False),
        sa.Column("bookable", sa.Boolean(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
    )
    op.create_table(
        "schedule_revisions",
        sa.Column("doctor_id", _KEY, primary_key=True),
        sa.Column("rev", sa.Integer(), primary_key=True),
        sa.Column("command_id", _KEY, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "blocks",
        sa.Column("id", _KEY, primary_key=True),
        sa.Column("body", sa.Text(), nullable=False),
    )
    op.create_table(
        "block_cancellations",
        sa.Column("block_id", _KEY, sa.ForeignKey("blocks.id"), primary_key=True),
        sa.Column("appointment_id", _KEY, primary_key=True),
        sa.Column("body", sa.Text(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "quotas",
        sa.Column("person_id", _KEY, primary_key=True),
        sa.Column("pending", sa.Integer(), nullable=False),
        sa.Column("live", sa.Integer(), nullable=False),
        sa.Column("open", sa.Boolean(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "appointments",
        sa.Column("id", _KEY, primary_key=True),
        sa.Column("doctor_id", _KEY, nullable=False),
        sa.Column("patient_id", _KEY, nullable=False),
        sa.Column("doctor_person", _KEY, nullable=False),
        sa.Column("patient_person", _KEY, nullable=False),
        sa.Column("starts_at", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("rev", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.BigInteger()),
        sa.Column("body", sa.Text(), nullable=False),
    )
    op.create_table(
        "claims",
        sa.Column("person_id", _KEY, primary_key=True),
        sa.Column("cell", sa.Integer(), primary_key=True),
        sa.Column("appointment_id", _KEY, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "events",
        sa.Column("appointment_id", _KEY, primary_key=True),
        sa.Column("seq", sa.Integer(), primary_key=True),
        sa.Column("command_id", _KEY, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "texts",
        sa.Column("owner", _KEY, primary_key=True),
        sa.Column("seq", sa.Integer(), primary_key=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "sagas",
        sa.Column("id", _KEY, primary_key=True),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("subject", _KEY, nullable=False),
        sa.Column("open", sa.Boolean(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "receipts",
        sa.Column("account_id", _KEY, primary_key=True),
        sa.Column("key", _LONG_KEY, primary_key=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_logins_account", "logins", ["account_id"])
    op.create_index("ix_doctors_status", "doctors", ["status", "id"])
    op.create_index("ix_appointments_doctor", "appointments", ["doctor_id", "starts_at", "id"])
    op.create_index("ix_appointments_patient", "appointments", ["patient_id", "starts_at", "id"])
    op.create_index("ix_live_due", "appointments", ["due_at", "id"], **_LIVE)
    op.create_index("ix_live_doctor_person", "appointments", ["doctor_person"], **_LIVE)
    op.create_index("ix_live_patient_person", "appointments", ["patient_person"], **_LIVE)


def downgrade() -> None:
    """Drop them all."""
    for table in (
        "receipts",
        "sagas",
        "texts",
        "events",
        "claims",
        "appointments",
        "quotas",
        "block_cancellations",
        "blocks",
        "schedule_revisions",
        "schedules",
        "doctor_words",
        "doctor_specialties",
        "doctors",
        "credentials",
        "logins",
        "accounts",
        "persons",
    ):
        op.drop_table(table)
