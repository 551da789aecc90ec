"""The register's token address: for browsers (with CORS) and, server to server, for the public process."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

from flask import Response, abort, current_app, jsonify, request
from flask.typing import ResponseReturnValue

from config import Settings
from participation.access import blind, codes
from participation.access.collector.views import present
from participation.access.groupcommit import Busy
from participation.access.sealing import KeyFolder
from participation.access.signing.store import SigningDesk, SigningRequest, Unsigned
from stores import Stores
from web.rooms import Room

room = Room("signing", __name__, audience="respondent", processes=("register",), url_prefix="/token")

#: What each refusal is in HTTP; what is not named here is 409: the code cannot be used like this.
_STATUS = {
    "empty": 422,
    "length": 422,
    "character": 422,
    "check": 422,
    "malformed": 400,
    "unknown": 404,
    "not_open": 409,
    "closed": 410,
    "busy": 429,
    "locked": 503,
    "insecure": 403,
}

_LARGEST_BODY = 8_192
_TRIES = 3


def secure_context(settings: Settings) -> bool:
    """Whether browsers offer WebCrypto here: https, or this very machine."""
    host = urllib.parse.urlsplit(settings.base_url).hostname or ""
    return settings.tls or host in ("localhost", "127.0.0.1", "::1")


def signing_folder(settings: Settings) -> KeyFolder:
    """The key folder of the register process."""
    assert settings.signing_keys is not None
    return KeyFolder(settings.signing_keys, settings.secret("SIGNING_WRAP"), "signing")


def digest_key(settings: Settings) -> bytes:
    """The key of the codes' digests."""
    return codes.digest_key(settings.secret("DIGEST_KEY"))


def desk() -> SigningDesk:
    """The signing desk of this process."""
    found: SigningDesk | None = current_app.extensions.get("signing_desk")
    if found is None:
        settings: Settings = current_app.config["SETTINGS"]
        stores: Stores = current_app.extensions["stores"]
        folder = signing_folder(settings)
        found = SigningDesk(
            stores.get("register"),
            stores.get("collector"),
            folder,
            digest_key(settings),
            folder.path / "issued.journal",
        )
        found = current_app.extensions.setdefault("signing_desk", found)
    return found


@room.after_request
def open_to_the_page(response: Response) -> Response:
    """The page comes from another origin where register and collector are apart; no cookie ever travels."""
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Access-Control-Allow-Headers"] = "Content-Type"
    response.headers["Access-Control-Allow-Methods"] = "POST"
    response.headers["Access-Control-Max-Age"] = "86400"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


@room.route("", methods=["OPTIONS"])
@room.route("/ask", methods=["OPTIONS"])
def preflight() -> ResponseReturnValue:
    """What a browser asks before it posts JSON to another origin."""
    return "", 204, {"Content-Type": "text/plain"}


@room.post("")
def sign() -> ResponseReturnValue:
    """Sign a blinded message for a code: ``{code, round, key, blinded}`` -> ``{signature}``, hex."""
    try:
        body = _body()
        if body.get("level") != "two_office" and not secure_context(current_app.config["SETTINGS"]):
            return _refuse(Unsigned("insecure"))
        asked = SigningRequest(
            body["code"], body.get("round", ""), body["key"], bytes.fromhex(body["blinded"])
        )
    except (KeyError, TypeError, ValueError):
        return _refuse(Unsigned("malformed"))
    try:
        return jsonify(signature=desk().sign(asked, present()).hex())
    except Unsigned as refusal:
        return _refuse(refusal)
    except (Busy, TimeoutError):
        return _refuse(Unsigned("busy"))


@room.post("/ask")
def ask() -> ResponseReturnValue:
    """Whether a code is still good: ``{code, round}`` -> ``{state}``.  Consumes nothing."""
    try:
        body = _body()
        return jsonify(state=desk().ask(body["code"], body.get("round", "")))
    except (KeyError, TypeError, ValueError):
        return _refuse(Unsigned("malformed"))
    except Unsigned as refusal:
        return _refuse(refusal)


def _body() -> dict[str, str]:
    size = request.content_length or 0
    if size > (request.max_content_length or size):
        abort(413)
    if size > _LARGEST_BODY:
        raise ValueError("too large")
    body = request.get_json(force=True, silent=True)
    if not isinstance(body, dict) or not all(isinstance(value, str) for value in body.values()):
        raise ValueError("not an object of strings")
    return body


def _refuse(refusal: Unsigned) -> ResponseReturnValue:
    document: dict[str, Any] = {"code": refusal.code}
    if refusal.group:
        document["group"] = refusal.group
    response = jsonify(document)
    if refusal.code == "busy":
        response.headers["Retry-After"] = "5"
    return response, _STATUS.get(refusal.code, 409)


# ---------------------------------------------------------------- for pages without script


def token_address() -> str:
    """Where browsers ask for a token: the register's own address, or this process."""
    settings: Settings = current_app.config["SETTINGS"]
    return f"{settings.register_url.rstrip('/')}/token" if settings.register_url else "/token"


def token_for_code(typed: str, round_: str, keys: dict[str, dict[str, Any]]) -> blind.Token:
    """A token for a code that was typed into a form (level ``two_office``); the code is kept nowhere.

    ``keys`` are the published keys of the wave or round.  The same blinded value is sent again after a lost
    reply, so a stumble between the two offices burns no code.

    Raises:
        Unsigned: as the register says, or ``unreachable``.
    """
    try:
        code = codes.read_code(typed)
    except codes.CodeError as error:
        raise Unsigned(error.fault, error.group) from None
    document = next((one for one in keys.values() if one["mark"] == code.mark), None)
    if document is None:
        raise Unsigned("other_key")
    public = blind.PublicKey(int(document["n"], 16), document["e"])
    started = blind.start(public)
    asked = SigningRequest(code.text, round_, started.key_id, started.blinded)
    settings: Settings = current_app.config["SETTINGS"]
    if settings.register_url is None:
        try:
            reply = desk().sign(asked, present())
        except (Busy, TimeoutError):
            raise Unsigned("unreachable") from None
    else:
        reply = _from_register(asked)
    return blind.finish(public, started, reply)


def _from_register(asked: SigningRequest) -> bytes:
    document = {
        "code": asked.code,
        "round": asked.round,
        "key": asked.key_id,
        "blinded": asked.blinded.hex(),
        "level": "two_office",
    }
    call = urllib.request.Request(  # noqa: S310 - the address is a setting of this process
        token_address(), json.dumps(document).encode(), {"Content-Type": "application/json"}
    )
    for _ in range(_TRIES):
        try:
            with urllib.request.urlopen(call, timeout=10) as answer:  # noqa: S310 - as above
                return bytes.fromhex(json.loads(answer.read())["signature"])
        except urllib.error.HTTPError as error:
            if error.code < 500 and error.code != 429:
                raise _refusal(error) from None
        except (OSError, ValueError, KeyError):
            continue
    raise Unsigned("unreachable")


def _refusal(error: urllib.error.HTTPError) -> Unsigned:
    try:
        body = json.loads(error.read())
        return Unsigned(str(body["code"]), int(body.get("group", 0)))
    except (ValueError, KeyError, TypeError):
        return Unsigned("unreachable")
