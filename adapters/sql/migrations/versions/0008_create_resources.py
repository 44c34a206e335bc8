"""Keep folders, resources with their versions and small parts, roles and devices."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

UUID = sa.LargeBinary(16).with_variant(sa.Uuid(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "folder",
        sa.Column("id", UUID, primary_key=True),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.UniqueConstraint("name", name=op.f("uq_folder_name")),
    )
    op.create_table(
        "folder_grant",
        sa.Column(
            "folder_id",
            UUID,
            sa.ForeignKey("folder.id", name=op.f("fk_folder_grant_folder_id_folder")),
            primary_key=True,
        ),
        sa.Column(
            "user_id",
            UUID,
            sa.ForeignKey("user.id", name=op.f("fk_folder_grant_user_id_user"), ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("granted_at", sa.DateTime, nullable=False),
    )
    op.create_index(op.f("ix_folder_grant_user_id"), "folder_grant", ["user_id"])
    op.create_table(
        "resource",
        sa.Column("id", UUID, primary_key=True),
        sa.Column(
            "folder_id",
            UUID,
            sa.ForeignKey("folder.id", name=op.f("fk_resource_folder_id_folder")),
            nullable=False,
        ),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("current", sa.BigInteger, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.UniqueConstraint("folder_id", "name", name=op.f("uq_resource_folder_id_name")),
    )
    op.create_table(
        "resource_version",
        sa.Column(
            "resource_id",
            UUID,
            sa.ForeignKey("resource.id", name=op.f("fk_resource_version_resource_id_resource")),
            primary_key=True,
        ),
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("plaintext_size", sa.BigInteger, nullable=False),
        sa.Column("small_size", sa.BigInteger, nullable=False),
        sa.Column("big_size", sa.BigInteger, nullable=False),
        sa.Column("small_sha256", sa.LargeBinary, nullable=False),
        sa.Column("big_sha256", sa.LargeBinary, nullable=False),
        sa.Column("key_id", sa.BigInteger, nullable=False),
        sa.Column("sealed_key", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("replaced_at", sa.DateTime),
    )
    op.create_table(
        "resource_small",
        sa.Column("resource_id", UUID, primary_key=True),
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.ForeignKeyConstraint(
            ["resource_id", "number"],
            ["resource_version.resource_id", "resource_version.number"],
            name=op.f("fk_resource_small_version"),
            ondelete="CASCADE",
        ),
    )
    op.create_table(
        "resource_account",
        sa.Column(
            "id",
            UUID,
            sa.ForeignKey("user.id", name=op.f("fk_resource_account_id_user"), ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("role", sa.Integer, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
    )
    op.create_table(
        "device",
        sa.Column("id", UUID, primary_key=True),
        sa.Column(
            "user_id",
            UUID,
            sa.ForeignKey("user.id", name=op.f("fk_device_user_id_user"), ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("public_key", sa.LargeBinary, nullable=False),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("bound_at", sa.DateTime, nullable=False),
        sa.Column("exchange", sa.Integer, nullable=False),
        sa.UniqueConstraint("user_id", name=op.f("uq_device_user_id")),
    )


def downgrade() -> None:
    for table in (
        "device",
        "resource_account",
        "resource_small",
        "resource_version",
        "resource",
        "folder_grant",
        "folder",
    ):
        op.drop_table(table)
