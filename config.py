"""Settings from the environment.

Every setting is named ``VIELSTIMMIG_<NAME>`` except ``ROLE`` and ``PORT``.  ``VIELSTIMMIG_REGISTER_URL`` is
the register's database; where browsers reach the register is ``VIELSTIMMIG_REGISTER_ADDRESS``.  All of them
are explained in docs/operating.md.

A process starts only with the database addresses and secrets that its role may have, and outside the demo
only with strong ones.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import click

ROLES = ("all", "public", "register", "office", "analysis", "entry")

#: Which stores a process may open (see docs/operating.md and `flask grants`).
STORES_OF_ROLE: dict[str, frozenset[str]] = {
    "all": frozenset({"office", "register", "collector"}),
    "public": frozenset({"collector"}),
    "register": frozenset({"office", "register", "collector"}),
    "office": frozenset({"office", "collector"}),
    "analysis": frozenset({"office", "collector"}),
    "entry": frozenset({"office", "collector"}),
}

#: Which secrets a process may hold, by setting name.
SECRETS_OF_ROLE: dict[str, frozenset[str]] = {
    "all": frozenset({"SECRET_KEY", "PASSWORD_SALT", "DIGEST_KEY", "SIGNING_WRAP", "BATCH_WRAP", "TOTP_KEY"}),
    "public": frozenset({"BATCH_WRAP"}),
    "register": frozenset({"SECRET_KEY", "PASSWORD_SALT", "DIGEST_KEY", "SIGNING_WRAP"}),
    "office": frozenset({"SECRET_KEY", "PASSWORD_SALT", "TOTP_KEY"}),
    "analysis": frozenset({"SECRET_KEY", "PASSWORD_SALT"}),
    "entry": frozenset({"SECRET_KEY", "PASSWORD_SALT"}),
}

_SECRET_MEANING = {
    "SECRET_KEY": "signs staff sessions",
    "PASSWORD_SALT": "salts password hashes and recovery tokens",
    "TOTP_KEY": "encrypts second-factor seeds",
    "DIGEST_KEY": "keys the digests of access codes",
    "SIGNING_WRAP": "encrypts the private signing keys",
    "BATCH_WRAP": "encrypts the private batch keys of the waiting room",
}

MINIMUM_SECRET_BYTES = 32
MEGABYTE = 1024 * 1024


class SettingsError(click.ClickException):
    """Settings with which no process may start; the message lists every fault and its remedy."""

    def __init__(self, faults: list[str]) -> None:
        self.faults = faults
        super().__init__("The settings are not usable:\n" + "\n".join(f"  - {fault}" for fault in faults))


@dataclass(frozen=True)
class Settings:
    """Everything a process may know of its surroundings.

    ``urls`` maps store names to SQLAlchemy addresses, only for the stores the role may open.
    ``secrets`` maps secret names to values, only for those the role may hold.
    """

    role: str = "all"
    demo: bool = False
    instance: Path = Path("instance")
    urls: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    signing_keys: Path | None = None
    batch_keys: Path | None = None
    batch_keys_mirror: Path | None = None
    base_url: str = "http://127.0.0.1:8000"
    register_url: str | None = None
    trusted_proxies: int = 0
    max_body_bytes: int = 2 * MEGABYTE
    max_upload_bytes: int = 200 * MEGABYTE
    session_minutes: int = 30
    latin_digits: bool = True
    testing: bool = False
    faults: tuple[str, ...] = ()

    @property
    def tls(self) -> bool:
        """Whether residents reach the product over https (HSTS and secure cookies follow from it)."""
        return self.base_url.startswith("https://")

    def secret(self, name: str) -> str:
        """The secret of that name; raises SettingsError when this role does not hold it."""
        try:
            return self.secrets[name]
        except KeyError:
            fault = f"VIELSTIMMIG_{name} is not set in this process (role {self.role})"
            raise SettingsError(list(self.faults) or [fault]) from None


def without_stores(error: SettingsError) -> Settings:
    """Settings for commands that need neither stores nor secrets, such as counting a file of ballots.

    Whatever else is asked of them raises the faults of the real settings.
    """
    return Settings(role="all", instance=Path("instance").resolve(), faults=tuple(error.faults))


def demo_secrets(role: str) -> dict[str, str]:
    """Fixed secrets for the demo and for tests; refused everywhere else by `read`."""
    return {name: f"demo-only-{name.lower()}-" + "0123456789abcdef" * 2 for name in SECRETS_OF_ROLE[role]}


def read(environ: Mapping[str, str] | None = None) -> Settings:
    """Settings of this process from the environment.

    Raises:
        SettingsError: naming every missing, weak or forbidden setting at once.
    """
    env = os.environ if environ is None else environ
    faults: list[str] = []
    role = env.get("ROLE", "all")
    if role not in ROLES:
        raise SettingsError([f"ROLE={role!r} is unknown; use one of {', '.join(ROLES)}"])
    demo = _flag(env, "DEMO")
    instance = Path(env.get("VIELSTIMMIG_INSTANCE", "instance")).resolve()
    base_url = env.get("VIELSTIMMIG_BASE_URL", f"http://127.0.0.1:{env.get('PORT', '8000')}").rstrip("/")
    settings = Settings(
        role=role,
        demo=demo,
        instance=instance,
        urls=_urls(env, role, instance, faults),
        secrets=_secrets(env, role, demo, faults),
        signing_keys=_folder(
            env, "SIGNING_KEYS", instance / "keys/signing", role in ("all", "register"), faults
        ),
        batch_keys=_folder(env, "BATCH_KEYS", instance / "keys/batch", role in ("all", "public"), faults),
        batch_keys_mirror=_optional_folder(env, "BATCH_KEYS_MIRROR", role in ("all", "public"), faults),
        base_url=base_url,
        register_url=_register_address(env, role, demo, faults),
        trusted_proxies=_number(env, "TRUSTED_PROXIES", 0, faults),
        max_body_bytes=_number(env, "MAX_BODY_BYTES", 2 * MEGABYTE, faults),
        max_upload_bytes=_number(env, "MAX_UPLOAD_BYTES", 200 * MEGABYTE, faults),
        session_minutes=_number(env, "SESSION_MINUTES", 30, faults),
        latin_digits=env.get("VIELSTIMMIG_DIGITS", "latin") == "latin",
    )
    if not demo and role != "all" and not settings.tls:
        faults.append("VIELSTIMMIG_BASE_URL must begin with https:// outside the demo")
    if faults:
        raise SettingsError(faults)
    return settings


def _register_address(env: Mapping[str, str], role: str, demo: bool, faults: list[str]) -> str | None:
    """Where the register's token address is, for roles that ask it; None where it is this very process."""
    given = env.get("VIELSTIMMIG_REGISTER_ADDRESS")
    if role in ("public", "entry"):
        if not given:
            faults.append(f"VIELSTIMMIG_REGISTER_ADDRESS is missing; a process with ROLE={role} needs it")
        elif not demo and not given.startswith("https://"):
            faults.append("VIELSTIMMIG_REGISTER_ADDRESS must begin with https:// outside the demo")
    return given


def _flag(env: Mapping[str, str], name: str) -> bool:
    return env.get(f"VIELSTIMMIG_{name}", "").lower() in {"1", "true", "yes", "on"}


def _number(env: Mapping[str, str], name: str, default: int, faults: list[str]) -> int:
    text = env.get(f"VIELSTIMMIG_{name}")
    if text is None:
        return default
    if not text.isdigit():
        faults.append(f"VIELSTIMMIG_{name}={text!r} is not a whole number; the default is {default}")
        return default
    return int(text)


def _urls(env: Mapping[str, str], role: str, instance: Path, faults: list[str]) -> dict[str, str]:
    """Addresses of the stores: given ones, else SQLite files where the role is `all`."""
    urls: dict[str, str] = {}
    for store in ("office", "register", "collector"):
        name = f"VIELSTIMMIG_{store.upper()}_URL"
        given = env.get(name)
        if store not in STORES_OF_ROLE[role]:
            if given:
                faults.append(f"{name} is set, but a process with ROLE={role} must not know it; remove it")
            continue
        if given:
            urls[store] = given.replace("postgresql://", "postgresql+psycopg://", 1)
        elif role == "all":
            urls[store] = f"sqlite:///{instance / (store + '.sqlite')}"
        else:
            faults.append(f"{name} is missing; a process with ROLE={role} needs it")
    return urls


def _secrets(env: Mapping[str, str], role: str, demo: bool, faults: list[str]) -> dict[str, str]:
    values = demo_secrets(role) if demo else {}
    for name, meaning in _SECRET_MEANING.items():
        variable = f"VIELSTIMMIG_{name}"
        given = env.get(variable)
        if name not in SECRETS_OF_ROLE[role]:
            if given:
                faults.append(
                    f"{variable} is set, but a process with ROLE={role} must not hold it; remove it"
                )
            continue
        if given:
            values[name] = given
        if demo:
            continue
        if not given:
            faults.append(f"{variable} is missing: it {meaning}. Make one: flask secrets")
        elif (
            len(given.encode()) < MINIMUM_SECRET_BYTES
            or len(set(given)) < 12
            or given.startswith("demo-only")
        ):
            faults.append(
                f"{variable} is weak: it needs {MINIMUM_SECRET_BYTES} random bytes. Make one: flask secrets"
            )
    return values


def _folder(
    env: Mapping[str, str], name: str, default: Path, allowed: bool, faults: list[str]
) -> Path | None:
    given = env.get(f"VIELSTIMMIG_{name}")
    if not allowed:
        if given:
            faults.append(f"VIELSTIMMIG_{name} is set, but this role must not read those keys; remove it")
        return None
    return Path(given) if given else default


def _optional_folder(env: Mapping[str, str], name: str, allowed: bool, faults: list[str]) -> Path | None:
    given = env.get(f"VIELSTIMMIG_{name}")
    if given and not allowed:
        faults.append(f"VIELSTIMMIG_{name} is set, but this role must not read those keys; remove it")
        return None
    return Path(given) if given else None
