"""What a secret replaced, by hash and origin: a known ciphertext goes nowhere else unasked."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0005"


def upgrade() -> None:
    op.add_column(
        "sealed_secrets", sa.Column("replaced", sa.Text, nullable=False, server_default="")
    )
