"""Alembic's entry: one connection, handed over by ``web.schema``, one transaction for the whole upgrade."""

from alembic import context

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=context.config.attributes["metadata"],
    # SQLite can roll back DDL; Alembic only has to be told, so that a half-run migration leaves nothing.
    transactional_ddl=True,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
