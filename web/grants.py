"""PostgreSQL roles and grants per process, made from one table (docs/operating.md)."""

from __future__ import annotations

from collections.abc import Iterator

from stores import BASES, NAMES, TRIGGERS

READ = "SELECT"
ADD = "INSERT"
WRITE = "SELECT, INSERT, UPDATE, DELETE"

#: process -> store -> rights on tables; "*" are the tables not named.  What is not here is not granted.
RIGHTS: dict[str, dict[str, dict[str, str]]] = {}


def tables(store: str) -> list[str]:
    """The store's tables, sorted."""
    return sorted(table.name for table in BASES[store].metadata.sorted_tables)


def rights(process: str, store: str) -> dict[str, str]:
    """Rights of a process on each table of a store; tables without rights are left out."""
    given = RIGHTS.get(process, {}).get(store, {})
    found = {table: given.get(table, given.get("*", "")) for table in tables(store)}
    return {table: right for table, right in found.items() if right}


def statements() -> Iterator[str]:
    """SQL for each cluster, with a comment naming the database it belongs to."""
    for store in NAMES:
        yield f"-- in the database of the {store} store"
        for process in RIGHTS:
            granted = rights(process, store)
            if not granted:
                continue
            role = f"vielstimmig_{process}"
            yield f"GRANT USAGE ON SCHEMA public TO {role};"
            for table, right in granted.items():
                yield f"GRANT {right} ON {table} TO {role};"
        yield f"-- {len(TRIGGERS[store])} triggers hold for every role, also for the owner's sessions"
