"""Which passwords are refused."""

import pytest

from web.accounts import passwords


@pytest.mark.parametrize(
    "password",
    [
        "aaaaaaaaaaaaaaaa",
        "121212121212",
        "password1234",
        "Passwort2026!",
        "PasswordPassword",
        "qwertzuiop123",
        "qwertyuiop[]",
        "123456789012",
        "1q2w3e4r5t6y",
        "abcdefghijklm",
        "vielstimmig2026",
        "Sommer2026!!",
        "ada.lovelace1815",
        "hallohallo123",
        "kartoffelpuffer",
        "Sonnenschein26!",
        "1qaz2wsx3edc4rfv",
        "MichaelJackson",
    ],
)
def test_easy(password):
    assert passwords.is_easy(password, ("ada.lovelace@example.org", "Ada Lovelace"))


@pytest.mark.parametrize(
    "password",
    [
        "a few quiet words",
        "many-voices-one-city",
        "Regenschirm Kamel Nordpol",
        "x7#Kq!92vLpz",
        "корабль луна стол",
        "قطار بحر سماء كتاب",
        "correcthorsebatterystaple",
    ],
)
def test_good(password):
    assert not passwords.is_easy(password, ("ada.lovelace@example.org", "Ada Lovelace"))


@pytest.mark.parametrize(
    ("password", "address", "name"),
    [
        ("neu@example.org", "neu@example.org", "Neu Hier"),
        ("Neu@Example.org1!", "neu@example.org", "Neu Hier"),
        ("kim.lau@stadt.de", "kim.lau@stadt.de", "Kim Lau"),
        ("kimlau-stadt-2026", "kim.lau@stadt.de", "Kim Lau"),
        ("Lau, Kim (stadt.de)", "kim.lau@stadt.de", "Kim Lau"),
    ],
)
def test_ones_own_address_and_name_are_easy(password, address, name):
    assert passwords.is_easy(password, (address, name))


def test_short_words_of_an_address_count_only_alone():
    assert not passwords.is_easy("Laute Wolken nirgends", ("kim.lau@stadt.de", "Kim Lau"))


def test_the_list_is_whole():
    lines = passwords.LIST.read_text("ascii").splitlines()
    digests = [line for line in lines if not line.startswith("#")]
    assert (len(digests), len(set(digests)), {len(line) for line in digests}) == (184, 184, {24})


def test_lengths(app):
    with app.test_request_context("/office", headers={"Accept-Language": "en"}):
        assert passwords.faults("short") == ["A password has 12 to 256 characters."]
        assert passwords.faults("ab cde " * 40) == ["A password has 12 to 256 characters."]
        assert passwords.faults("a few quiet words") == []


def test_an_easy_one_is_refused_when_changing_and_when_invited(person):
    someone = person("editor")
    someone.sign_in()
    new = "Passwort2026!"
    data = {"password": "a few quiet words", "new_password": new, "new_password_confirm": new}
    answer = someone.client.submit("/office/change", data)
    assert answer.status_code == 200
    assert "leicht zu erraten" in answer.text or "easy to guess" in answer.text
