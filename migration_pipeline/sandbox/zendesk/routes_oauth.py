"""The OAuth endpoints: the browser's consent, tokens, and what the present token is.

Here: these endpoints. Not here: tokens (``oauth``) and codes (``consent``).
"""

from urllib.parse import parse_qsl

from migration_pipeline.sandbox.wire import Answer, Call, Route
from migration_pipeline.sandbox.zendesk import consent, errors, oauth
from migration_pipeline.sandbox.zendesk.consent import ConsentError, Wish
from migration_pipeline.sandbox.zendesk.site import Made, Site
from migration_pipeline.sandbox.zendesk.world import people

HTML = b"text/html; charset=utf-8"


def routes(site: Site) -> list[Route]:
    """All routes that give out credentials or tell of them."""
    access = _Access(site)
    return [
        Route("GET", "/oauth/authorizations/new", access.ask, open=True),
        Route("POST", "/oauth/authorizations", access.decide, open=True, writes=False),
        Route("POST", "/oauth/tokens", access.issue, open=True, writes=False),
        site.route("/oauth/tokens/current", access.current),
    ]


class _Access:
    def __init__(self, site: Site) -> None:
        self._site = site

    def _wish(self, asked: dict[str, str]) -> Wish | Answer:
        try:
            return consent.read_wish(asked, oauth.client_id(self._site.desk.seed))
        except ConsentError as error:
            # Nobody is sent back to an address that may be anyone's.
            text = f"<html><body><h1>Invalid authorization request</h1><p>{error}</p></body></html>"
            return Answer(400, text.encode(), HTML)

    def ask(self, call: Call) -> Answer:
        """The page that asks, or at once its result."""
        wish = self._wish(call.query)
        if isinstance(wish, Answer):
            return wish
        decision = {"ask": None, "allow": True, "deny": False}[self._site.switches["oauth_consent"]]
        return (
            Answer(200, consent.page(call.query), HTML) if decision is None else self._decided(wish, allowed=decision)
        )

    def decide(self, call: Call) -> Answer:
        """What a person pressed."""
        asked = dict(parse_qsl(call.body.decode(errors="replace"), keep_blank_values=True))
        wish = self._wish(asked)
        return wish if isinstance(wish, Answer) else self._decided(wish, allowed=asked.get("decision") == "allow")

    def _decided(self, wish: Wish, *, allowed: bool) -> Answer:
        site = self._site
        if allowed:
            back = wish.back(code=site.authority.codes.give(wish, site.clock.now()))
        else:
            back = wish.back(error="access_denied", error_description="The end-user denied the request.")
        return Answer(302, b"", HTML, ((b"location", back.encode()),))

    def issue(self, call: Call) -> Answer:
        switches = self._site.switches
        return self._site.authority.issue(
            call, self._site.clock.now(), lifetime_s=switches["token_lifetime_s"], refresh=switches["refresh_tokens"]
        )

    def current(self, call: Call) -> Made:
        """The token of this call, without its secret part."""
        identity = self._site.identity(call)
        found = self._site.authority.lifetime(identity.access) if identity else None
        if identity is None or found is None:
            raise errors.not_found()
        created, expires, scope = found
        return {
            "token": {
                "url": f"{self._site.base_url}/api/v2/oauth/tokens/1.json",
                "id": 1,
                "user_id": self._site.desk.user(0, self._site.base_url)["id"],
                "token": identity.access[:10],
                "scopes": scope.split(),
                "created_at": people.iso(int(created)),
                "expires_at": people.iso(int(expires)),
                "used_at": people.iso(int(call.scratch["at"])),
                "refresh_token": None,
            }
        }
