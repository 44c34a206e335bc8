"""The headers every answer carries."""

from flask import Flask, Response, request

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_ALWAYS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_HSTS = "max-age=31536000"
_HASHED_ASSET = "public, max-age=31536000, immutable"


def add_headers(app: Flask, *, https: bool) -> None:
    """Put the headers on every answer of ``app``.

    Args:
        app: the application.
        https: the node's address is https; browsers are told to stay with it.
    """

    @app.after_request
    def _secure(response: Response) -> Response:
        for name, value in _ALWAYS.items():
            response.headers.setdefault(name, value)
        if https:
            response.headers.setdefault("Strict-Transport-Security", _HSTS)
        if response.mimetype == "text/html":
            response.headers.setdefault("Cache-Control", "no-store")
        elif request.endpoint == "browser.static" and "v" in request.args:
            response.headers["Cache-Control"] = _HASHED_ASSET
        return response
