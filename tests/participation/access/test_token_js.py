"""The browser's half: the RFC's vectors in Chromium, and each half against the other."""

import json
from pathlib import Path

import pytest

from participation.access import blind, codes

SCRIPT = Path(__file__).parents[3] / "static/token.js"
pytestmark = pytest.mark.browser


@pytest.fixture
def token_page(page):
    """A page with nothing but the script, in a secure context."""
    page.route(
        "https://token.test/**",
        lambda route: route.fulfill(body="<!doctype html><title>t</title>", content_type="text/html"),
    )
    page.goto("https://token.test/")
    page.add_script_tag(path=SCRIPT)
    return page


@pytest.fixture(scope="module")
def key():
    return blind.generate()


def published(key):
    return {"id": key.public.key_id, "n": f"{key.public.n:x}", "e": key.public.e, "mark": "CQPHN"}


def test_every_vector_of_the_rfc_in_the_browser(token_page, reference):
    vectors = json.loads((reference / "blind-rsa/test_vectors_rfc9474.json").read_text())
    found = token_page.evaluate(
        """async vectors => {
          const results = [];
          for (const v of vectors) {
            const key = Token.keyOf({id: "", n: v.n.slice(2), e: Number(v.e)});
            const input = Token.fromHex(v.input_msg), salt = Token.fromHex(v.salt);
            // r is the inverse of inv; a^(-1) through the script's own blind() of the inverse.
            const r = modularInverse(BigInt(v.inv), key.n);
            const made = await Token.blind(key, input, salt, r);
            const signature = await Token.unblind(
              key, input, Token.fromHex(v.blind_sig), made.inverse, salt.length);
            results.push({
              encoded_msg: Token.toHex(await Token.encode(input, key.bits - 1, salt)),
              inv: BigInt("0x" + Token.toHex(made.inverse)) === BigInt(v.inv),
              blinded_msg: Token.toHex(made.blinded), sig: Token.toHex(signature)});
          }
          return results;
          function modularInverse(a, n) {
            let [old, rest, x, y] = [a, n, 1n, 0n];
            while (rest) { const q = old / rest; [old, rest, x, y] = [rest, old - q * rest, y, x - q * y]; }
            return ((x % n) + n) % n;
          }
        }""",
        vectors,
    )
    assert len(found) == 4
    for vector, result in zip(vectors, found, strict=True):
        assert result == {
            "encoded_msg": vector.get("encoded_msg", result["encoded_msg"]),
            "inv": True,
            "blinded_msg": vector["blinded_msg"],
            "sig": vector["sig"],
        }


def test_a_token_made_in_the_browser_verifies_here(token_page, key):
    started = token_page.evaluate("key => Token.start(key)", published(key))
    reply = blind.blind_sign(key, bytes.fromhex(started["blinded"])).hex()
    made = token_page.evaluate(
        "([key, started, reply]) => Token.finish(key, started, reply)", [published(key), started, reply]
    )
    token = blind.Token(
        made["key"], *(bytes.fromhex(made[name]) for name in ("prefix", "token", "signature"))
    )
    assert blind.verify(key.public, token)


def test_a_token_begun_here_is_finished_in_the_browser(token_page, key):
    started = blind.start(key.public)
    as_hex = {
        "key": started.key_id,
        "prefix": started.prefix.hex(),
        "token": started.token.hex(),
        "inverse": started.inverse.hex(),
    }
    reply = blind.blind_sign(key, started.blinded)
    made = token_page.evaluate(
        "([key, started, reply]) => Token.finish(key, started, reply)", [published(key), as_hex, reply.hex()]
    )
    assert bytes.fromhex(made["signature"]) == blind.finish(key.public, started, reply).signature


def test_a_reply_that_is_no_signature_is_refused_in_the_browser(token_page, key):
    started = token_page.evaluate("key => Token.start(key)", published(key))
    refused = token_page.evaluate(
        """async ([key, started]) => {
          const codes = [];
          for (const reply of [started.blinded, started.blinded.slice(2)])
            await Token.finish(key, started, reply).catch(error => codes.push(error.code));
          await Token.start({...key, id: "0".repeat(32)}).catch(error => codes.push(error.code));
          return codes;
        }""",
        [published(key), started],
    )
    assert refused == ["invalid_signature", "unexpected_input_size", "wrong_key"]


def test_the_fingerprint_is_worked_out_from_the_key(token_page, key):
    assert token_page.evaluate("key => Token.keyId(key)", published(key)) == key.public.key_id


TYPED = [
    "CQPHN-614P4-Y2P2R-SZHQS-GB8FG",
    "cqphn 6l4p4 y2p2r szhqs gb8fg",
    "СQРНN-614Р4-У2Р2R-SZНQS-GВ8FG",
    "CQPHN-٦١٤P٤-Y٢P٢R-SZHQS-GB٨FG",
    "CQPHN-۶۱۴P۴-Y۲P۲R-SZHQS-GB۸FG",
    "ＣＱＰＨＮ-６１４Ｐ４-Ｙ２Ｐ２Ｒ-ＳＺＨＱＳ-ＧＢ８ＦＧ",
    "CQ-PHN-614P4-Y2P2R-SZHQS-GB8FG",
    "",
    "- –",
    "CQPHN-614P4-Y2P2X-SZHQS-GB8FG",
    "CQPHN-Y2P2R-614P4-SZHQS-GB8FG",
    "CQPHN-614P-Y2P2R-SZHQS-GB8FG",
    "CQPHN614P4Y2P2RSZHQS",
    "CQPHN614P4Y2P2RSZHQSGB8FG7",
    "CQPHN-6?4P4-Y2P2R-SZHQS-GB8FG",
    "CQPHN-6ß4P4-Y2P2R-SZHQS-GB8FG",
    "CQPHN-6Ж4P4-Y2P2R-SZHQS-GB8FG",
]


def test_codes_are_read_alike_in_browser_and_server(token_page):
    def here(typed):
        try:
            return codes.read_code(typed).text
        except codes.CodeError as error:
            return [error.fault, error.group]

    there = token_page.evaluate(
        """typed => typed.map(one => {
          try { return Token.readCode(one).text; } catch (error) { return [error.code, error.group]; }
        })""",
        TYPED,
    )
    assert there == [here(typed) for typed in TYPED]


def test_the_code_leaves_the_address_at_once(token_page):
    token_page.goto("https://token.test/s/living?x=1#CQPHN-614P4-Y2P2R-SZHQS-GB8FG")
    token_page.add_script_tag(path=SCRIPT)
    code = token_page.evaluate("Token.codeFromAddress()")
    assert code["text"] == "CQPHN614P4Y2P2RSZHQSGB8FG"
    assert token_page.url == "https://token.test/s/living?x=1"
    assert token_page.evaluate("Token.codeFromAddress()") is None


def test_a_lost_reply_sends_the_same_blinded_value_again(token_page, key):
    """The register answers once with nothing: the second try asks for the very same signature."""
    seen = []

    def register(route):
        request = json.loads(route.request.post_data)
        assert "cookie" not in route.request.headers
        assert "referer" not in route.request.headers
        seen.append(request["blinded"])
        if len(seen) == 1:
            route.abort()
        else:
            signature = blind.blind_sign(key, bytes.fromhex(request["blinded"])).hex()
            route.fulfill(json={"signature": signature})

    answers = []

    def collector(route):
        answers.append(json.loads(route.request.post_data))
        if len(answers) == 1:
            route.abort()
        else:
            route.fulfill(json={"state": "received"})

    token_page.route("https://token.test/token", register)
    token_page.route("https://token.test/answers", collector)
    plan = {
        "name": "wave",
        "keys": [published(key)],
        "code": {"text": "CQPHN614P4Y2P2RSZHQSGB8FG", "mark": "CQPHN"},
        "tokenAddress": "/token",
        "answersAddress": "/answers",
        "document": {"version": 1, "answers": {"a": "1"}},
    }
    send = "plan => Token.send(plan).catch(error => error.code + ' ' + error.retry)"
    assert token_page.evaluate(send, plan) == "network true"
    assert token_page.evaluate(send, plan) == "network true"
    token_page.reload()
    token_page.add_script_tag(path=SCRIPT)
    assert token_page.evaluate(send, plan) == {"state": "received"}
    assert len(seen) == 2
    assert seen[0] == seen[1]
    assert answers[0] == answers[1]
    assert "code" not in answers[0]
    token = blind.Token(
        answers[0]["key"], *(bytes.fromhex(answers[0][name]) for name in ("prefix", "token", "signature"))
    )
    assert blind.verify(key.public, token)
    left = token_page.evaluate(
        """() => new Promise(done => {
          const open = indexedDB.open("vielstimmig-token");
          open.onsuccess = () => {
            const all = open.result.transaction("token").objectStore("token").getAllKeys();
            all.onsuccess = () => done(all.result);
          };
        })"""
    )
    assert left == []


def test_a_code_of_another_survey_is_told_before_anything_is_sent(token_page, key):
    code = token_page.evaluate(
        "plan => Token.send(plan).catch(error => error.code)",
        {
            "name": "w",
            "keys": [published(key)],
            "code": {"text": "0" * 25, "mark": "00000"},
            "tokenAddress": "/",
        },
    )
    assert code == "other_key"


def test_plain_http_off_this_machine_is_named(page):
    page.route(
        "http://token.test/**", lambda route: route.fulfill(body="<!doctype html>", content_type="text/html")
    )
    page.goto("http://token.test/")
    page.add_script_tag(path=SCRIPT)
    assert "secure_context" in page.evaluate("Token.missing()")


def test_a_phone_without_bigint_still_reads_the_script(page):
    page.add_init_script("delete globalThis.BigInt")
    page.route(
        "https://token.test/**", lambda route: route.fulfill(body="<!doctype html>", content_type="text/html")
    )
    page.goto("https://token.test/")
    page.add_script_tag(path=SCRIPT)
    assert page.evaluate("Token.missing()") == ["bigint"]
