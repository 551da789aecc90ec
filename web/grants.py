"""PostgreSQL roles and grants per process, made from one table (docs/operating.md).

A process connects as ``vielstimmig_<process>``.  What is not granted here it cannot do, whatever its code
says; tests run every process with exactly these rights.
"""

from __future__ import annotations

from collections.abc import Iterator

from stores import BASES, NAMES, TRIGGERS

READ = "SELECT"
ADD = "INSERT"
READ_ADD = "SELECT, INSERT"
WRITE = "SELECT, INSERT, UPDATE, DELETE"

#: What the staff processes other than `office` may do in the office store: know accounts, log, nothing else.
_GUEST = {"account": READ, "role": READ, "account_role": READ, "audit_entry": ADD}

#: process -> store -> rights by table; "prefix*" stands for all tables that begin so, "*" for all others.
RIGHTS: dict[str, dict[str, dict[str, str]]] = {
    "public": {
        "collector": {
            "batch": WRITE,
            "waiting": WRITE,
            "spent": WRITE,
            "collector_state": WRITE,
            "response": ADD,
            "response_text": ADD,
            "published_*": READ,
            "keying*": "",
            "analysis_*": "",
            "conference_ballot": READ_ADD,
            "conference_sheet": "",
            "conference_*": WRITE,
        }
    },
    "register": {
        "office": _GUEST,
        "register": {"*": WRITE},
        "collector": {"published_office": READ, "published_register": WRITE},
    },
    "office": {
        "office": {"audit_entry": READ_ADD, "*": WRITE},
        "collector": {
            "published_office": WRITE,
            "published_register": READ,
            "published_results": READ,
            "batch": READ,
            "collector_state": READ,
            "conference_need": READ,
            "conference_outcome": READ,
            # Whether paper ballots are still being keyed, never what they say.
            "conference_sheet": "SELECT (round)",
            "conference_*": "",
        },
    },
    "analysis": {
        "office": _GUEST,
        "collector": {
            # Whether a key's last mix is done.
            "batch": READ,
            "response": READ,
            "response_text": READ,
            "conference_ballot": READ,
            "published_results": WRITE,
            "published_*": READ,
            "conference_outcome": READ,
            "analysis_*": WRITE,
        },
    },
    "entry": {
        "office": _GUEST,
        "collector": {
            "keying*": WRITE,
            "conference_sheet": WRITE,
            "waiting": ADD,
            # Interviews spend a token, as phones do.
            "spent": "SELECT, INSERT, UPDATE",
            # A lock on the open batch row is taken while a sheet is sealed to it, which needs UPDATE.
            "batch": "SELECT, UPDATE",
            "published_office": READ,
            "published_register": READ,
        },
    },
}

#: store -> (process, table) whose deleted rows the process clears away at once (``VACUUM``).
WIPES: dict[str, tuple[tuple[str, str], ...]] = {
    "register": tuple(("register", table) for table in ("person", "code_digest", "issue", "code_batch")),
    "collector": (("public", "waiting"),),
}


def tables(store: str) -> list[str]:
    """The store's tables, sorted."""
    return sorted(table.name for table in BASES[store].metadata.sorted_tables)


def right(process: str, store: str, table: str) -> str | None:
    """Rights of a process on a table; empty for none, None where the table of rights does not name it."""
    given = RIGHTS.get(process, {}).get(store, {})
    if table in given:
        return given[table]
    patterns = (name for name in given if name.endswith("*") and table.startswith(name[:-1]))
    longest = max(patterns, key=len, default=None)
    return None if longest is None else given[longest]


def unnamed(store: str) -> list[str]:
    """Tables of the store that no process is granted anything on: forgotten ones."""
    return [table for table in tables(store) if not any(right(process, store, table) for process in RIGHTS)]


def statements(store: str) -> Iterator[str]:
    """SQL to run once in the store's database, as its owner, after `flask db-upgrade`."""
    for process in RIGHTS:
        granted = {table: rights for table in tables(store) if (rights := right(process, store, table))}
        if not granted:
            continue
        role = f"vielstimmig_{process}"
        yield f"GRANT USAGE ON SCHEMA public TO {role};"
        for table, rights in granted.items():
            yield f"GRANT {rights} ON {table} TO {role};"
        if any("INSERT" in rights for rights in granted.values()):
            yield f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {role};"
    yield from _clearing(store)
    yield f"-- {len(TRIGGERS[store])} triggers hold for every role"


def _clearing(store: str) -> Iterator[str]:
    """SQL by which dead rows of what must be forgotten do not stay in the data files."""
    for process, table in WIPES.get(store, ()):
        # Versions before 17 let only the owner vacuum; there, autovacuum does it within its next round.
        at_once = "autovacuum_vacuum_threshold = 0, autovacuum_vacuum_scale_factor = 0"
        yield f"ALTER TABLE {table} SET ({at_once});"
        yield (
            "DO $$ BEGIN IF current_setting('server_version_num')::int >= 170000 THEN "
            f"EXECUTE 'GRANT MAINTAIN ON {table} TO vielstimmig_{process}'; END IF; END $$;"
        )


def roles(store: str) -> Iterator[str]:
    """SQL that makes the roles which connect to the store's cluster; passwords are set by whoever runs it."""
    for process, rights in RIGHTS.items():
        if store in rights:
            yield f"CREATE ROLE vielstimmig_{process} LOGIN;"


def everything() -> Iterator[str]:
    """All statements, with a comment naming the database each block belongs to."""
    for store in NAMES:
        yield f"-- in the database of the {store} store"
        yield from roles(store)
        yield from statements(store)
