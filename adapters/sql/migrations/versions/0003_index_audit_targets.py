"""Find what happened to one object without reading the whole trail."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_audit_target_number", "audit", ["target", "number"])


def downgrade() -> None:
    op.drop_index("ix_audit_target_number", "audit")
