"""Several indexes beside each other, for `xunren reindex`: which there are, and what each of them has.

Revision ID: 0002
Revises: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the tables, both empty while there is one index."""
    op.create_table(
        "indexes",
        sa.Column("collection", sa.String(length=64), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("dim", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("changed_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("collection"),
        if_not_exists=True,
    )
    op.create_table(
        "covered",
        sa.Column("collection", sa.String(length=64), nullable=False),
        sa.Column("segment_id", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("owner", sa.String(), nullable=True),
        sa.Column("lease_until_ms", sa.BigInteger(), nullable=True),
        sa.Column("said", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("collection", "segment_id"),
        if_not_exists=True,
    )
    op.create_index("ix_covered_segment_id", "covered", ["segment_id"], if_not_exists=True)
