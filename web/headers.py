"""Security headers of every response, by audience (OWASP ASVS 5.0, chapter V3)."""

from __future__ import annotations

from flask import Flask, Response, current_app, g, request

from config import Settings
from web.rooms import audience_of

_PERMISSIONS = (
    "accelerometer=(), autoplay=(), camera=(), display-capture=(), fullscreen=(self), geolocation=(), "
    "gyroscope=(), magnetometer=(), microphone=(), midi=(), payment=(), usb=()"
)


def content_security_policy(
    *, style_hashes: tuple[str, ...] = (), connect: tuple[str, ...] = (), frame_ancestors: str = "'none'"
) -> str:
    """A policy without ``unsafe-inline``; inline style is allowed by its hash only."""
    styles = " ".join(("'self'", *(f"'{value}'" for value in style_hashes)))
    connections = " ".join(("'self'", *connect))
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            f"style-src {styles}",
            "img-src 'self' data:",
            "font-src 'self'",
            "media-src 'self'",
            f"connect-src {connections}",
            "manifest-src 'self'",
            "worker-src 'self'",
            "form-action 'self'",
            "base-uri 'none'",
            f"frame-ancestors {frame_ancestors}",
        )
    )


def allow(**directives: object) -> None:
    """Widen this response's policy from a view: ``allow(style_hashes=(...,), frame_ancestors="*")``.

    What is given as a tuple is added to what was allowed before.
    """
    policy = dict(g.get("policy", {}))
    for name, value in directives.items():
        before = policy.get(name)
        if isinstance(value, tuple) and isinstance(before, tuple):
            value = tuple(dict.fromkeys((*before, *value)))
        policy[name] = value
    g.policy = policy


def add_headers(response: Response) -> Response:
    """The headers that this response's audience gets."""
    settings: Settings = current_app.config["SETTINGS"]
    audience = audience_of(current_app, request.endpoint)
    policy = g.get("policy", {})
    response.headers["Content-Security-Policy"] = content_security_policy(**policy)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Permissions-Policy"] = _PERMISSIONS
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    if "frame_ancestors" not in policy:
        response.headers["X-Frame-Options"] = "DENY"
        response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    if settings.tls:
        response.headers["Strict-Transport-Security"] = "max-age=63072000; includeSubDomains"
    # Staff pages and every answer to a POST stay out of caches; a view may set its own rule.
    if (audience == "staff" or request.method == "POST") and request.endpoint != "static":
        response.headers["Cache-Control"] = "no-store"
    return response


def set_up(app: Flask) -> None:
    """Add the headers to every response of the app, also to errors."""
    app.after_request(add_headers)
