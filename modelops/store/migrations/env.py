"""Run by alembic: hands its context the connection that `store/migrating.py` opened."""

from alembic import context

from modelops.store.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
