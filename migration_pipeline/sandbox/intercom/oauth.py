"""Authorization of an app that many workspaces use: the page for the browser, and the exchange of its code for a token.

As the OAuth setup page of the developer documentation has it: no scopes in the request, redirect URLs are registered
beforehand, a code lives for five minutes, a token until it is revoked, and there is no refresh token.
"""

from __future__ import annotations

import html
import ipaddress
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from migration_pipeline.sandbox.intercom.errors import error_answer
from migration_pipeline.sandbox.intercom.payload import object_of
from migration_pipeline.sandbox.intercom.tokens import Tokens
from migration_pipeline.sandbox.intercom.workspace import Workspace
from migration_pipeline.sandbox.wire import Answer, Call, Handler, Headers, Route, json_answer

Json = dict[str, Any]
PAGE, DECISION, EXCHANGE = "/oauth", "/oauth/decision", "/auth/eagle/token"

_HTML = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title></head>
<body><h1>{title}</h1><p>{text}</p>{form}</body></html>"""

_FORM = """<form method="post" action="{action}">{fields}
<button type="submit" name="decision" value="grant">Authorize access</button>
<button type="submit" name="decision" value="deny">Cancel</button></form>"""


def client(seed: int) -> tuple[str, str]:
    """client_id and client_secret of the one app that is registered; plainly not real ones."""
    return f"sandbox-intercom-client-{seed}", f"sandbox-intercom-secret-{seed}"


def routes(ws: Workspace, tokens: Tokens) -> list[Route]:
    """The routes of this module; they are open, and hold secrets that no recording should."""
    given: list[tuple[str, str, Handler]] = [
        ("GET", PAGE, partial(_page, ws, tokens)),
        ("POST", DECISION, partial(_decided, ws, tokens)),
        ("POST", EXCHANGE, partial(_exchange, ws, tokens)),
    ]
    return [Route(method, path, handler, writes=False, open=True, recorded=False) for method, path, handler in given]


def controls(ws: Workspace, tokens: Tokens) -> dict[tuple[str, str], Handler]:
    """Control routes: what an app has to know, and the revoking of a token."""
    return {("GET", "oauth"): partial(_described, ws), ("POST", "revoke"): partial(_revoke, tokens)}


def _described(ws: Workspace, _: Call) -> Answer:
    client_id, client_secret = client(ws.seed)
    return json_answer(
        {
            "client_id": client_id,
            "client_secret": client_secret,
            "authorize_url": ws.base_url + PAGE,
            "token_url": ws.base_url + EXCHANGE,
        }
    )


def _revoke(tokens: Tokens, call: Call) -> Answer:
    token = str((call.json or {})["token"])
    if not tokens.revoke(token):
        raise ValueError("no such token was ever given out")
    return json_answer({"revoked": True})


def _page(ws: Workspace, tokens: Tokens, call: Call) -> Answer:
    asked = dict(call.query)
    refusal = _refusal(ws, asked)
    if refusal:
        return _html(400, "This app cannot be authorized", refusal)
    consent = ws.switches["oauth_consent"]
    if consent != "ask":
        return _sent_back(ws, tokens, asked, granted=consent == "grant")
    kept = {key: asked[key] for key in ("client_id", "state", "redirect_uri") if key in asked}
    fields = "".join(f'<input type="hidden" name="{key}" value="{html.escape(value)}">' for key, value in kept.items())
    form = _FORM.format(action=DECISION, fields=fields)
    return _html(200, "Authorize access to Acme", "An app asks for access to this sandbox workspace.", form)


def _decided(ws: Workspace, tokens: Tokens, call: Call) -> Answer:
    asked = _form(call)
    refusal = _refusal(ws, asked)
    if refusal:
        return _html(400, "This app cannot be authorized", refusal)
    return _sent_back(ws, tokens, asked, granted=asked.get("decision") == "grant")


def _refusal(ws: Workspace, asked: dict[str, str]) -> str:
    """Why an authorization cannot even be asked for; empty where it can."""
    if asked.get("client_id") != client(ws.seed)[0]:
        return "The client_id is unknown."
    if not _redirect_url(ws, asked):
        return "The redirect_uri is not one of the redirect URLs of the app."
    return ""


def _redirect_url(ws: Workspace, asked: dict[str, str]) -> str:
    """The registered URL to go back to: the asked one, or the first; empty where it is not registered."""
    registered: list[Any] = ws.switches["oauth_redirect_urls"]
    url = asked.get("redirect_uri")
    if not url:
        return str(registered[0]) if registered else ""
    return url if url in registered or _on_loopback(url) else ""


def _on_loopback(url: str) -> bool:
    """Whether a URL is on this machine, where a tool listens on a port that it cannot know beforehand."""
    try:
        parts = urlsplit(url)
        return parts.scheme == "http" and ipaddress.ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return False


def _sent_back(ws: Workspace, tokens: Tokens, asked: dict[str, str], *, granted: bool) -> Answer:
    answer = {"code": tokens.new_code()} if granted else {"error": "access_denied"}
    if "state" in asked:
        answer["state"] = asked["state"]
    url = _redirect_url(ws, asked)
    location = f"{url}{'&' if '?' in url else '?'}{urlencode(answer)}"
    # What was asked for becomes a header: nothing may end it early.
    safe = "".join(c for c in location if "!" <= c <= "~")
    headers: Headers = ((b"location", safe.encode()),)
    return Answer(302, headers=headers)


def _exchange(ws: Workspace, tokens: Tokens, call: Call) -> Answer:
    # Clients are seen to send JSON and forms, and both work.
    is_json = call.headers.get("content-type", "").startswith("application/json")
    given = object_of(call) if is_json else _form(call)
    if (given.get("client_id"), given.get("client_secret")) != client(ws.seed):
        return error_answer(401, "unauthorized", "client_id or client_secret is wrong")
    token = tokens.exchanged(str(given.get("code")))
    if token is None:
        return error_answer(400, "parameter_invalid", "code is invalid or expired", field="code")
    keys = (
        ("token", "access_token") if ws.switches["oauth_answer_key"] == "both" else (ws.switches["oauth_answer_key"],)
    )
    return json_answer({"token_type": "Bearer", **dict.fromkeys(keys, token)})


def _form(call: Call) -> dict[str, str]:
    return dict(parse_qsl(call.body.decode("utf-8", "replace"), keep_blank_values=True))


def _html(status: int, title: str, text: str, form: str = "") -> Answer:
    return Answer(status, _HTML.format(title=title, text=text, form=form).encode(), b"text/html; charset=utf-8")
