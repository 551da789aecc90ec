"""Settings: what starts, what is refused, and that every fault is named at once."""

import re
from pathlib import Path

import pytest

import config
import stores

STRONG = "".join(chr(ord("a") + number % 26) + str(number % 10) for number in range(24))


def strong_environment(role: str) -> dict[str, str]:
    secrets = {f"VIELSTIMMIG_{name}": STRONG + name for name in config.SECRETS_OF_ROLE[role]}
    urls = {
        f"VIELSTIMMIG_{store.upper()}_URL": f"postgresql://db/{store}"
        for store in config.STORES_OF_ROLE[role]
    }
    addresses = {
        "VIELSTIMMIG_BASE_URL": "https://example.org",
        "VIELSTIMMIG_REGISTER_ADDRESS": "https://register.example.org",
    }
    return {"ROLE": role, **addresses, **secrets, **urls}


def test_the_demo_starts_with_nothing_set(tmp_path: Path) -> None:
    settings = config.read({"VIELSTIMMIG_DEMO": "1", "VIELSTIMMIG_INSTANCE": str(tmp_path)})
    assert settings.urls == {
        store: f"sqlite:///{tmp_path}/{store}.sqlite" for store in ("office", "register", "collector")
    }
    assert set(settings.secrets) == config.SECRETS_OF_ROLE["all"]
    assert settings.base_url == "http://127.0.0.1:8000"
    assert not settings.tls


def test_outside_the_demo_every_missing_secret_is_named_at_once() -> None:
    with pytest.raises(config.SettingsError) as caught:
        config.read({})
    named = {fault.split()[0] for fault in caught.value.faults}
    assert named == {f"VIELSTIMMIG_{name}" for name in config.SECRETS_OF_ROLE["all"]}


@pytest.mark.parametrize("weak", ["short", "a" * 64, config.demo_secrets("all")["SECRET_KEY"]])
def test_a_weak_secret_is_refused_with_the_remedy(weak: str) -> None:
    environment = strong_environment("all") | {"VIELSTIMMIG_SECRET_KEY": weak}
    with pytest.raises(config.SettingsError) as caught:
        config.read(environment)
    assert caught.value.faults == [
        "VIELSTIMMIG_SECRET_KEY is weak: it needs 32 random bytes. Make one: flask secrets"
    ]


@pytest.mark.parametrize("role", config.ROLES)
def test_each_role_starts_with_exactly_its_own(role: str) -> None:
    settings = config.read(strong_environment(role))
    assert set(settings.urls) == config.STORES_OF_ROLE[role]
    assert set(settings.secrets) == config.SECRETS_OF_ROLE[role]
    assert (settings.signing_keys is not None) == (role in ("all", "register"))
    assert (settings.batch_keys is not None) == (role in ("all", "public"))
    assert all(url.startswith("postgresql+psycopg://") for url in settings.urls.values())


@pytest.mark.parametrize("role", [role for role in config.ROLES if role != "all"])
def test_a_process_refuses_addresses_and_keys_that_its_role_must_not_have(role: str) -> None:
    forbidden = {
        f"VIELSTIMMIG_{store.upper()}_URL": "postgresql://db/x"
        for store in {"office", "register", "collector"} - config.STORES_OF_ROLE[role]
    } | {
        f"VIELSTIMMIG_{name}": STRONG for name in config.SECRETS_OF_ROLE["all"] - config.SECRETS_OF_ROLE[role]
    }
    if role != "register":
        forbidden["VIELSTIMMIG_SIGNING_KEYS"] = "/keys"
    if role != "public":
        forbidden["VIELSTIMMIG_BATCH_KEYS"] = "/keys"
        forbidden["VIELSTIMMIG_BATCH_KEYS_MIRROR"] = "/keys"
    with pytest.raises(config.SettingsError) as caught:
        config.read(strong_environment(role) | forbidden)
    assert {fault.split()[0] for fault in caught.value.faults} == set(forbidden)


def test_several_processes_need_addresses_and_tls() -> None:
    with pytest.raises(config.SettingsError) as caught:
        config.read({"ROLE": "public", "VIELSTIMMIG_BATCH_WRAP": STRONG})
    assert caught.value.faults == [
        "VIELSTIMMIG_COLLECTOR_URL is missing; a process with ROLE=public needs it",
        "VIELSTIMMIG_REGISTER_ADDRESS is missing; a process with ROLE=public needs it",
        "VIELSTIMMIG_BASE_URL must begin with https:// outside the demo",
    ]


def test_codes_never_travel_to_the_register_in_the_clear() -> None:
    plain = {"VIELSTIMMIG_REGISTER_ADDRESS": "http://register.example.org"}
    with pytest.raises(config.SettingsError) as caught:
        config.read(strong_environment("entry") | plain)
    assert caught.value.faults == ["VIELSTIMMIG_REGISTER_ADDRESS must begin with https:// outside the demo"]


def test_an_unknown_role_and_a_broken_number_are_named() -> None:
    with pytest.raises(config.SettingsError, match="ROLE='boss' is unknown"):
        config.read({"ROLE": "boss"})
    with pytest.raises(config.SettingsError) as caught:
        config.read({"VIELSTIMMIG_DEMO": "1", "VIELSTIMMIG_MAX_BODY_BYTES": "2 MB"})
    assert caught.value.faults == [
        "VIELSTIMMIG_MAX_BODY_BYTES='2 MB' is not a whole number; the default is 2097152"
    ]


def test_a_secret_that_this_role_does_not_hold_cannot_be_read() -> None:
    with pytest.raises(config.SettingsError, match="SIGNING_WRAP is not set in this process"):
        config.Settings(role="public").secret("SIGNING_WRAP")


def test_commands_on_files_run_without_settings_and_stores_then_say_what_is_missing() -> None:
    with pytest.raises(config.SettingsError) as missing:
        config.read({})
    bare = config.without_stores(missing.value)
    with pytest.raises(config.SettingsError) as asked:
        bare.secret("SECRET_KEY")
    assert asked.value.faults == missing.value.faults
    with pytest.raises(config.SettingsError) as opened:
        stores.open_stores(bare).get("office")
    assert opened.value.faults == missing.value.faults


class Recording(dict[str, str]):
    """An environment that remembers which settings were looked for."""

    def __init__(self, values: dict[str, str]) -> None:
        super().__init__(values)
        self.asked: set[str] = set()

    def get(self, name: str, default: object = None) -> object:  # type: ignore[override]
        self.asked.add(name)
        return super().get(name, default)


@pytest.fixture(scope="module")
def looked_for() -> set[str]:
    """Every setting that `config.read` looks for, whatever the role."""
    asked: set[str] = set()
    for role in config.ROLES:
        environment = Recording(strong_environment(role))
        config.read(environment)
        asked |= environment.asked
    return asked


def settings_table() -> dict[str, list[str]]:
    """The table of docs/operating.md: setting -> its other cells (meaning, default, roles)."""
    text = (Path(__file__).resolve().parent.parent / "docs/operating.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([A-Z_]+)` \|(.+)\|$", text, re.MULTILINE)
    return {name: [cell.strip() for cell in cells.split("|")] for name, cells in rows}


def test_the_table_of_settings_is_complete(looked_for: set[str]) -> None:
    assert set(settings_table()) == looked_for
    assert all(len(cells) == 3 and all(cells) for cells in settings_table().values())


def test_the_table_says_which_roles_may_have_a_secret_or_an_address() -> None:
    table = settings_table()
    of_role = {f"VIELSTIMMIG_{name}": config.SECRETS_OF_ROLE for name in config.SECRETS_OF_ROLE["all"]}
    for name in of_role:
        holders = [role for role in config.ROLES if name.removeprefix("VIELSTIMMIG_") in of_role[name][role]]
        assert table[name][2] == ", ".join(holders), name
    for store in ("office", "register", "collector"):
        holders = [role for role in config.ROLES if store in config.STORES_OF_ROLE[role]]
        assert table[f"VIELSTIMMIG_{store.upper()}_URL"][2] == ", ".join(holders), store
