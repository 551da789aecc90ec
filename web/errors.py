"""Error pages in the reader's language that say what to do, and logs that say nothing about residents.

People get a page in the shell of the room they are in; programs that ask for JSON get a short JSON answer.
Pages for failures of our own (5xx) use no session and no store, because those may be what failed.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

from flask import Flask, Request, Response, current_app, jsonify, make_response, render_template, request
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DataError, InterfaceError, OperationalError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import BadRequest, HTTPException
from werkzeug.formparser import FormDataParser

from stores import StoreNotAllowed
from web.i18n import resident as r_
from web.rooms import audience_here

#: Fields that a page never shows again.
_SECRET_FIELDS = ("csrf_token", "password", "passphrase", "secret", "code", "new_password")

_LONGEST_KEPT = 200_000

_ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Advice:
    """What happened and what to do about it, in the reader's language."""

    title: str
    text: str


def _advice() -> dict[int, Callable[[], Advice]]:
    return {
        400: lambda: Advice(
            r_("This request could not be read"),
            r_("Something in it was damaged on the way. Go back and try again."),
        ),
        401: lambda: Advice(r_("You need to sign in"), r_("You are signed out. Sign in, then try again.")),
        403: lambda: Advice(
            r_("You may not open this page"),
            r_("If you think that you should be able to, ask the person who gave you the address."),
        ),
        404: lambda: Advice(
            r_("This page does not exist"),
            r_("Check the address for typing errors, or go to the start page."),
        ),
        405: lambda: Advice(r_("This does not work here"), r_("Go back and use the buttons on the page.")),
        410: lambda: Advice(
            r_("This page is gone"), r_("It was taken away on purpose. Go to the start page.")
        ),
        413: lambda: Advice(
            r_("This is too large"),
            r_("At most %(size)s can be sent at once. Send less, or a smaller file.", size=_limit()),
        ),
        429: lambda: Advice(
            r_("Too many attempts"), r_("Please wait a few minutes, then try again. Nothing is lost.")
        ),
        500: lambda: Advice(
            r_("Something went wrong on our side"),
            r_("Please try again in a few minutes. If it happens again, tell the organisers."),
        ),
        503: lambda: Advice(
            r_("This service is not available just now"),
            r_("What you sent was not saved. Please try again in a few minutes."),
        ),
    }


def _limit() -> str:
    limit = request.max_content_length or current_app.config["SETTINGS"].max_body_bytes
    return f"{limit / 1_048_576:.3g} MB"


def advice(code: int) -> Advice:
    """The texts for a status code; codes without their own take those of their class."""
    table = _advice()
    return table.get(code, table[400 if code < 500 else 500])()


def wants_json() -> bool:
    """Whether a program asks, rather than a person."""
    if audience_here() == "machine":
        return True
    best = request.accept_mimetypes.best_match(["text/html", "application/json"], "text/html")
    return best == "application/json"


def page(code: int, **values: Any) -> Response:
    """The error page (or JSON) for a status code."""
    told = advice(code)
    if wants_json():
        response = jsonify({"status": code, "error": told.title, "remedy": told.text})
    else:
        response = make_response(
            render_template("errors/error.html", code=code, advice=told, shell=_shell(code), **values)
        )
    response.status_code = code
    return response


def _shell(code: int) -> str:
    audience = audience_here()
    if code >= 500 or audience == "machine":
        return "respondent.html"
    if audience == "staff" and "security" not in current_app.extensions:
        return "public.html"
    return f"{audience}.html"


def page_open_too_long() -> ResponseReturnValue:
    """The page for a form whose session ended: what was typed is offered for sending again.

    Only what our own pages sent is offered: a form of somebody else's site must not become ours with one
    click.
    """
    from web.accounts.access import LOGIN_PATH
    from web.shell import signed_in

    if wants_json() or audience_here() != "staff":
        return page(400)
    ours = request.headers.get("Sec-Fetch-Site", "same-origin") == "same-origin"
    response = make_response(
        render_template(
            "errors/open_too_long.html",
            kept=_kept_fields() if ours else [],
            files=sorted(name for name, file in request.files.items() if file.filename) if ours else [],
            signed_in=signed_in() is not None,
            login=LOGIN_PATH,
        )
    )
    response.status_code = 400 if signed_in() else 401
    return response


def _kept_fields() -> list[tuple[str, str]]:
    fields = [
        (name, value)
        for name, value in request.form.items(multi=True)
        if not any(secret in name.lower() for secret in _SECRET_FIELDS)
    ]
    return fields if sum(len(value) for _, value in fields) <= _LONGEST_KEPT else []


def _on_http(error: HTTPException) -> ResponseReturnValue:
    if error.response is not None:
        return error.response
    if error.code is None or error.code < 400:
        return error
    response = page(error.code)
    for name, value in error.get_headers():
        if name in ("Allow", "Retry-After", "WWW-Authenticate"):
            response.headers[name] = value
    limit = getattr(error, "limit", None)
    if limit is not None:
        response.headers["Retry-After"] = str(limit.limit.get_expiry())
    return response


def _on_csrf(_error: CSRFError) -> ResponseReturnValue:
    return page_open_too_long()


def _on_store(error: Exception) -> ResponseReturnValue:
    log_scrubbed(current_app._get_current_object(), error)  # type: ignore[attr-defined]
    response = page(503)
    response.headers["Retry-After"] = "30"
    return response


def _on_unstorable(error: Exception) -> ResponseReturnValue:
    """What no column takes, as PostgreSQL no text with a NUL, came from a broken or hostile program."""
    log_scrubbed(current_app._get_current_object(), error)  # type: ignore[attr-defined]
    return page(400)


def log_scrubbed(app: Flask, error: BaseException) -> None:
    """Log a failure: where in our code it happened and of which kind; never what a person sent.

    For staff pages the endpoint and the account's number are named too.
    """
    if isinstance(error, StatementError):
        error.hide_parameters = True
    steps = traceback.extract_tb(error.__traceback__)
    ours = [step for step in steps[:-1] if _is_ours(step.filename)]
    frames = "".join(traceback.format_list([*ours, *steps[-1:]]))
    where = ""
    kind = type(error).__name__
    if request and audience_here() == "staff":
        where = f" in {request.endpoint}"
        kind = f"{kind}: {error}" if isinstance(error, StatementError) else kind
    app.logger.error("request failed%s: %s\n%s", where, kind, frames)


def _is_ours(filename: str) -> bool:
    """Whether a file is the product's own: library frames say little and are many."""
    path = Path(filename)
    return path.is_relative_to(_ROOT) and "site-packages" not in path.parts


def set_up(app: Flask) -> None:
    """Register the pages and the scrubbed log."""

    def log_exception(exc_info: Any) -> None:
        log_scrubbed(app, exc_info[1])

    app.log_exception = log_exception  # type: ignore[method-assign]
    app.request_class = StrictRequest
    app.register_error_handler(HTTPException, _on_http)
    app.register_error_handler(CSRFError, _on_csrf)
    for kind in (OperationalError, InterfaceError, PoolTimeout):
        app.register_error_handler(kind, _on_store)
    app.register_error_handler(DataError, _on_unstorable)
    app.register_error_handler(StoreNotAllowed, lambda _error: page(404))
    app.before_request(refuse_broken_text)


def refuse_broken_text() -> ResponseReturnValue | None:
    """Refuse addresses that are not valid UTF-8, instead of going on with replacement characters."""
    try:
        request.environ.get("PATH_INFO", "").encode("latin-1").decode("utf-8")
        unquote_to_bytes(request.query_string).decode("utf-8")
    except UnicodeError:
        return page(400)
    return None


class StrictRequest(Request):
    """A request whose unreadable form is an error; Werkzeug would quietly take it for an empty one."""

    def make_form_data_parser(self) -> FormDataParser:
        """The parser, told to raise."""
        parser = super().make_form_data_parser()
        parser.silent = False
        return parser

    def get_json(self, force: bool = False, silent: bool = False, cache: bool = True) -> Any:
        """As Flask's; what is nested deeper than Python can follow is no JSON of ours either."""
        try:
            return super().get_json(force=force, silent=silent, cache=cache)
        except RecursionError:
            if silent:
                return None
            raise BadRequest("the body is nested too deeply") from None

    def _load_form_data(self) -> None:
        try:
            super()._load_form_data()
        except ValueError as error:
            raise BadRequest("the form is not readable") from error
