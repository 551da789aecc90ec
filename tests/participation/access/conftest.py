"""Key pairs are dear: one serves many tests.  What is made of it is fresh in each."""

from dataclasses import dataclass
from datetime import date

import pytest

from participation.access import admission, blind, codes
from participation.access.admission import Access
from participation.access.issuing import store as issuing
from participation.access.register import store as register_store
from participation.access.register.models import Person, SigningKey
from participation.access.register.store import RegisterFault, StratumSpec
from participation.access.sealing import KeyFolder

TODAY = date(2026, 3, 2)
DIGEST_KEY = codes.digest_key("a secret of the tests")
REQUEST = issuing.request_digest(b"blinded")


def digest(code):
    return codes.digest(code, DIGEST_KEY)


def fault(call, *arguments):
    with pytest.raises(RegisterFault) as caught:
        call(*arguments)
    return caught.value.code


def add_people(session, amount, stratum="a"):
    people = [
        Person(admission="wave-1", stratum=stratum, address={"name": f"N{index}"}, languages=["de"])
        for index in range(amount)
    ]
    session.add_all(people)
    session.flush()
    return people


@pytest.fixture(scope="session")
def signing_pair() -> blind.PrivateKey:
    return blind.generate()


@dataclass(frozen=True)
class Wave:
    """A small sample set up in the register: one stratum, one key, some codes."""

    access: Access
    key: SigningKey
    codes: list[codes.AccessCode]


@pytest.fixture
def folder(tmp_path) -> KeyFolder:
    return KeyFolder(tmp_path / "keys", "a wrapping secret", "batch")


@pytest.fixture
def wave(stores_on, folder, signing_pair, monkeypatch) -> Wave:
    monkeypatch.setattr(blind, "generate", lambda: signing_pair)
    access = Access("wave-1", "survey", ("sealed", "two_office"), "open")
    with stores_on.register.begin() as session:
        register_store.create_admission(session, "wave-1", "survey", "Living here")
        register_store.set_strata(session, "wave-1", [StratumSpec("a", "Stratum A", 1000, 10)])
        (key,) = register_store.make_keys(session, access, folder, TODAY)
        made = register_store.make_batch(session, "wave-1", "a", "letters", 10, TODAY, DIGEST_KEY)
    with stores_on.collector.begin() as session:
        register_store.publish_keys(session, [key])
        from stores import publish

        publish(session, "office", "access", access.key, admission.document(access))
    return Wave(access, key, made)
