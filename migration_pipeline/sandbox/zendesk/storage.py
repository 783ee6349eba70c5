"""The storage behind files: signed addresses that expire, on the same host or another.

Here: addresses and their check, and the answer with bytes. Not here: which files there are, and who may have them.
"""

import hashlib
from urllib.parse import quote

from migration_pipeline.sandbox.wire import Answer, Call
from migration_pipeline.sandbox.zendesk.site import Site, whole
from migration_pipeline.sandbox.zendesk.world import ids


class Storage:
    """Gives out addresses of bytes and recognises them again."""

    def __init__(self, site: Site) -> None:
        """Sign for one account."""
        self._site = site

    def redirect(self, call: Call, file_id: int) -> Answer:
        """The 302 to a file's bytes."""
        site = self._site
        expires = int(call.scratch["at"]) + site.switches["storage_expiry_s"]
        host = site.view(call).other_host if site.switches["storage_host"] == "other" else site.base_url
        token = ids.token(file_id, site.desk.seed)
        location = f"{host}/storage/{token}?expires={expires}&sig={self._signature(token, expires)}"
        body = f'<html><body>You are being <a href="{location.replace("&", "&amp;")}">redirected</a>.</body></html>'
        return Answer(302, body.encode(), b"text/html; charset=utf-8", ((b"location", location.encode()),))

    def _signature(self, token: str, expires: int) -> str:
        text = f"{token}|{expires}|{self._site.desk.seed}"
        return hashlib.blake2s(text.encode(), digest_size=12).hexdigest()

    def refused(self, call: Call) -> Answer | None:
        """Why an address leads nowhere, None for a good one.

        Another host refuses credentials of the API, as object stores do.
        """
        site = self._site
        token, expires = call.params["token"], whole(call.query.get("expires"), 0)
        if call.query.get("sig") != self._signature(token, expires) or site.clock.now() > expires:
            return _refusal(403, "AccessDenied", "Request has expired")
        if "authorization" in call.headers and site.switches["storage_host"] == "other":
            return _refusal(400, "InvalidArgument", "Only one auth mechanism allowed")
        return None


def _refusal(status: int, code: str, text: str) -> Answer:
    body = f"<Error><Code>{code}</Code><Message>{text}</Message></Error>"
    return Answer(status, body.encode(), b"application/xml")


def file_answer(name: str, mime: str, body: bytes) -> Answer:
    """Bytes with their name and type."""
    disposition = f"attachment; filename*=UTF-8''{quote(name, safe='')}"
    # The service names the type of an empty file as well, which the shared sender leaves out.
    empty = ((b"content-type", mime.encode()),) if not body else ()
    return Answer(200, body, mime.encode(), ((b"content-disposition", disposition.encode()), *empty))
