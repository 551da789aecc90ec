"""RFC 9474 by its own vectors, by property, and by what a verifier must refuse."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from participation.access import blind, rawrsa

RANDOMIZED = "RSABSSA-SHA384-PSS-Randomized"


@pytest.fixture(scope="module")
def key():
    return blind.generate()


@pytest.fixture(params=["openssl", "gmp"])
def way(request, monkeypatch):
    """Both ways to sign: the machine's OpenSSL, and GMP as on a machine without it."""
    if request.param == "gmp":
        monkeypatch.setattr(rawrsa, "_library", lambda: None)
    elif rawrsa._library() is None:
        pytest.skip("no OpenSSL 3 here that could be asked")
    return request.param


@pytest.fixture(scope="module")
def vectors(reference):
    return json.loads((reference / "blind-rsa/test_vectors_rfc9474.json").read_text())


def test_every_vector_of_the_rfc(vectors, way):
    assert len(vectors) == 4
    for vector in vectors:
        signing = blind.private_key(int(vector["p"], 16), int(vector["q"], 16), int(vector["e"], 16))
        public = signing.public
        assert public.n == int(vector["n"], 16)
        assert (signing.raw is None) == (way == "gmp")
        message, salt = bytes.fromhex(vector["input_msg"]), bytes.fromhex(vector["salt"])
        assert len(salt) == int(vector["sLen"], 16)
        if "encoded_msg" in vector:
            assert blind.encode(message, public.n.bit_length() - 1, salt).hex() == vector["encoded_msg"]
        inverse = int(vector["inv"], 16)
        blinded, inverse_bytes = blind.blind(public, message, salt, pow(inverse, -1, public.n))
        assert blinded.hex() == vector["blinded_msg"]
        assert int.from_bytes(inverse_bytes, "big") == inverse
        reply = blind.blind_sign(signing, blinded)
        assert reply.hex() == vector["blind_sig"]
        assert blind.unblind(public, message, reply, inverse_bytes, len(salt)).hex() == vector["sig"]


def test_every_negative_is_refused(vectors, reference):
    cases = json.loads((reference / "blind-rsa/negative.json").read_text())
    cases = cases["cases"] if isinstance(cases, dict) else cases
    by_name = {vector["name"]: vector for vector in vectors}
    verdicts = []
    for case in cases:
        vector = by_name[case["vector"]]
        public = blind.PublicKey(int(vector["n"], 16), int(vector["e"], 16))
        message, signature = bytes.fromhex(case["input_msg"]), bytes.fromhex(case["sig"])
        verdicts.append(blind.verify_prepared(public, message, signature, int(vector["sLen"], 16)))
    assert verdicts == [False] * 38


def test_emsa_pss_refuses_a_modulus_that_is_too_short():
    with pytest.raises(blind.BlindError, match="encoding_error"):
        blind.encode(b"message", 48 * 8 + 48 * 8 + 7, bytes(48))


def test_round_trip_gives_a_token_that_verifies(key):
    started = blind.start(key.public)
    token = blind.finish(key.public, started, blind.blind_sign(key, started.blinded))
    assert blind.verify(key.public, token)
    assert token.key_id == key.public.key_id
    assert len(blind.spent_digest(token)) == 32


def test_a_token_is_worth_nothing_under_another_key_or_name(key):
    other = blind.generate()
    started = blind.start(key.public)
    token = blind.finish(key.public, started, blind.blind_sign(key, started.blinded))
    assert not blind.verify(other.public, token)
    renamed = blind.Token(other.public.key_id, token.prefix, token.token, token.signature)
    assert not blind.verify(other.public, renamed)
    assert not blind.verify(key.public, renamed)


@pytest.mark.parametrize("field", ["prefix", "token", "signature"])
def test_any_changed_byte_is_refused(key, field):
    started = blind.start(key.public)
    token = blind.finish(key.public, started, blind.blind_sign(key, started.blinded))
    values = {
        "key_id": token.key_id,
        "prefix": token.prefix,
        "token": token.token,
        "signature": token.signature,
    }
    changed = bytes([values[field][0] ^ 1]) + values[field][1:]
    assert not blind.verify(key.public, blind.Token(**values | {field: changed}))
    assert not blind.verify(key.public, blind.Token(**values | {field: values[field][:-1]}))


def test_the_register_refuses_what_is_no_blinded_message(key):
    size = key.public.size
    with pytest.raises(blind.BlindError, match="unexpected_input_size"):
        blind.blind_sign(key, bytes(size - 1))
    with pytest.raises(blind.BlindError, match="message_out_of_range"):
        blind.blind_sign(key, key.public.n.to_bytes(size, "big"))
    with pytest.raises(blind.BlindError, match="message_out_of_range"):
        blind.blind_sign(key, bytes(size))


def test_a_fault_in_one_half_never_leaves_the_register(key):
    broken = blind.PrivateKey(key.public, key.p, key.q, key.dp ^ 2, key.dq, key.q_inverse)
    request = blind.start(key.public).blinded
    broken.__dict__["raw"] = None
    with pytest.raises(blind.BlindError, match="signing_failure"):
        blind.blind_sign(broken, request)
    for wrong in (request, None):
        broken.__dict__["raw"] = lambda _, wrong=wrong: wrong
        with pytest.raises(blind.BlindError, match="signing_failure"):
            blind.blind_sign(broken, request)


def test_openssl_gives_nothing_for_what_is_no_message(key):
    assert key.raw(key.public.n.to_bytes(key.public.size, "big")) is None
    assert key.raw(b"short" * 100) is None
    # And goes on working afterwards.
    assert key.raw(bytes(383) + b"\x01") == bytes(383) + b"\x01"


def test_threads_share_one_operation(key):
    requests = [blind.start(key.public).blinded for _ in range(16)]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(key.raw, requests))
    assert together == [blind.power(key, request) for request in requests]


def test_a_forged_reply_is_noticed_on_the_persons_side(key):
    started = blind.start(key.public)
    with pytest.raises(blind.BlindError, match="invalid_signature"):
        blind.finish(key.public, started, started.blinded)
    with pytest.raises(blind.BlindError, match="unexpected_input_size"):
        blind.finish(key.public, started, started.blinded[:-1])


def test_the_same_request_gives_the_same_signature(way):
    key = blind.generate()
    started = blind.start(key.public)
    assert blind.blind_sign(key, started.blinded) == blind.blind_sign(key, started.blinded)


def test_a_message_that_shares_a_factor_with_the_modulus_is_refused(key, monkeypatch):
    monkeypatch.setattr(blind, "encode", lambda *_: key.p.to_bytes(key.public.size, "big"))
    with pytest.raises(blind.BlindError, match="invalid_input"):
        blind.start(key.public)


def test_a_blinding_factor_without_inverse_is_refused(key):
    with pytest.raises(blind.BlindError, match="blinding_error"):
        blind.blind(key.public, b"message", bytes(48), key.p)


def test_private_half_survives_writing_and_stays_out_of_repr(key):
    assert blind.read_private(blind.private_bytes(key)) == key
    assert str(key.p) not in repr(key)
    assert key.public.fingerprint.replace(" ", "") == key.public.key_id
    assert key.public.n.bit_length() == 3072


def test_only_rsa_keys_are_read():
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    other = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with pytest.raises(blind.BlindError, match="not_an_rsa_key"):
        blind.read_private(other)


def test_an_exponent_that_divides_a_prime_minus_one_is_unusable():
    with pytest.raises(blind.BlindError, match="unusable_exponent"):
        blind.private_key(7, 11, 3)


def test_uniform_draws_reject_what_lies_outside():
    draws = iter([b"\xff", b"\x00", b"\xb0"])
    assert blind._uniform(13, lambda _size: next(draws)) == 11


@settings(max_examples=10, deadline=None)
@given(st.binary(max_size=200))
def test_blind_then_unblind_is_an_ordinary_signature(key_of_vectors, message):
    signing = key_of_vectors
    factor = 2**127 - 1
    blinded, inverse = blind.blind(signing.public, message, bytes(48), factor)
    signature = blind.unblind(signing.public, message, blind.blind_sign(signing, blinded), inverse)
    assert blind.verify_prepared(signing.public, message, signature)
    assert not blind.verify_prepared(signing.public, message + b"!", signature)


@pytest.fixture(scope="module")
def key_of_vectors():
    return blind.generate()
