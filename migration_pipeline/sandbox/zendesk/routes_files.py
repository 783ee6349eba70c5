"""Files: metadata, the address with its redirect, and the storage behind it.

Here: who may fetch what, and how addresses expire. Not here: the bytes (``world.files``).
"""

import hashlib
from urllib.parse import quote

from migration_pipeline.sandbox.wire import Answer, Call, Route
from migration_pipeline.sandbox.zendesk import comment_json, errors
from migration_pipeline.sandbox.zendesk.site import Made, Site, number, whole
from migration_pipeline.sandbox.zendesk.world import files, ids, population, seeds, skeleton, threads
from migration_pipeline.sandbox.zendesk.world.files import File

CALLS = 7_000_000_000
PHOTO_SIZE = 1_200
RECORDING_SIZE = 24_000


def routes(site: Site) -> list[Route]:
    """All routes that lead to bytes."""
    served = _Files(site)
    return [
        site.route("/attachments/{id}", served.show),
        site.route("/channels/voice/calls/{id}/twilio/recording", served.recording),
        Route("GET", "/attachments/token/{token}", served.content),
        Route("GET", "/storage/{token}", served.stored, open=True),
    ]


class _Files:
    def __init__(self, site: Site) -> None:
        self._site = site

    def _file(self, file_id: int) -> File | None:
        """The file as it is now; None for one that never was, or whose ticket is gone."""
        desk = self._site.desk
        place = ids.file_place(file_id)
        if place is None or place.ticket >= desk.tickets.size or desk.status[place.ticket] == skeleton.GONE_STATUS:
            return None
        ticket = desk.ticket(place.ticket)
        if place.seq >= len(ticket.steps):
            return None
        found = threads.files_of(desk.world, ticket, ticket.steps[place.seq])
        if place.position >= files.THUMBNAIL_FROM:
            found = [files.thumbnail(f) for f in found if files.is_picture(f)]
        return next((f for f in found if f.place == place), None)

    def _photo(self, file_id: int) -> int | None:
        number_of_user = file_id - ids.USER
        who = self._site.desk.people
        if 0 <= number_of_user < who.users and who.flags[number_of_user] & population.PHOTO:
            return number_of_user
        return None

    def show(self, call: Call) -> Made:
        file = self._file(number(call))
        if file is None:
            raise errors.not_found()
        return {"attachment": comment_json.attachment(self._site.view(call), file)}

    def content(self, call: Call) -> Answer:
        """The first hop: private files want the API's credentials here, and only here."""
        site = self._site
        file_id = ids.token_number(call.params["token"], site.desk.seed)
        if file_id is None:
            raise errors.not_found()
        if self._photo(file_id) is None:
            file = self._file(file_id)
            if file is None:
                raise errors.not_found()
            secrecy = site.switches["private_attachments"]
            private = secrecy == "all" or (secrecy == "some" and file.private)
            if private and site.identity(call) is None:
                wanted = site.switches["private_attachment_status"]
                return errors.unauthenticated() if wanted == 401 else errors.forbidden()
            if file.malware:
                return errors.forbidden()
        return self._redirect(call, file_id)

    def recording(self, call: Call) -> Answer:
        """The recording of a call; the redirect is the same as a file's."""
        call_id = number(call)
        if not CALLS <= call_id < CALLS + 1_000_000_000:
            raise errors.not_found()
        return self._redirect(call, call_id)

    def _redirect(self, call: Call, file_id: int) -> Answer:
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

    def stored(self, call: Call) -> Answer:
        """The second hop. It refuses credentials of the API where it is another host, as object stores do."""
        site = self._site
        token, expires = call.params["token"], whole(call.query.get("expires"), 0)
        if call.query.get("sig") != self._signature(token, expires) or site.clock.now() > expires:
            return Answer(
                403,
                b"<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>",
                b"application/xml",
            )
        if "authorization" in call.headers and site.switches["storage_host"] == "other":
            text = b"<Error><Code>InvalidArgument</Code><Message>Only one auth mechanism allowed</Message></Error>"
            return Answer(400, text, b"application/xml")
        file_id = ids.token_number(token, site.desk.seed) or 0
        if self._photo(file_id) is not None:
            return _bytes(
                "photo.png", "image/png", files.make_bytes("image/png", PHOTO_SIZE, seeds.mix(site.desk.seed, file_id))
            )
        if CALLS <= file_id < CALLS + 1_000_000_000:
            return _bytes(
                "recording.mp3",
                "audio/mpeg",
                files.make_bytes("audio/mpeg", RECORDING_SIZE, seeds.mix(site.desk.seed, file_id)),
            )
        file = self._file(file_id)
        if file is None:
            raise errors.not_found()
        return _bytes(file.name, file.mime, files.content(file))


def _bytes(name: str, mime: str, body: bytes) -> Answer:
    disposition = f"attachment; filename*=UTF-8''{quote(name, safe='')}"
    # The service names the type of an empty file as well, which the shared sender leaves out.
    empty = ((b"content-type", mime.encode()),) if not body else ()
    return Answer(200, body, mime.encode(), ((b"content-disposition", disposition.encode()), *empty))
