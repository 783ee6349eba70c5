"""Files: metadata, the address with its redirect, and the bytes behind it.

Here: who may fetch what. Not here: how addresses are signed and expire (``storage``), the bytes (``world.files``).
"""

from migration_pipeline.sandbox.wire import Answer, Call, Route
from migration_pipeline.sandbox.zendesk import comment_json, errors
from migration_pipeline.sandbox.zendesk.site import Made, Site, number
from migration_pipeline.sandbox.zendesk.storage import Storage, file_answer
from migration_pipeline.sandbox.zendesk.world import files, guide_files, ids, population, seeds, skeleton, threads
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
        Route("GET", "/recordings/{id}", served.recording, open=True),
        Route("GET", "/attachments/token/{token}", served.content),
        Route("GET", "/storage/{token}", served.stored, open=True),
    ]


class _Files:
    def __init__(self, site: Site) -> None:
        self._site = site
        self._storage = Storage(site)

    def _file(self, file_id: int) -> File | None:
        """The file as it is now; None for one that never was, or whose ticket is gone."""
        desk = self._site.desk
        place = ids.file_place(file_id)
        if place is None or place.ticket >= desk.tickets.size or desk.status[place.ticket] == skeleton.GONE_STATUS:
            return None
        ticket = desk.ticket(place.ticket)
        if place.seq >= files.TALK_FROM:
            found = [files.of_talk(desk.seed, place.ticket, place.seq - files.TALK_FROM)]
        elif place.seq >= len(ticket.steps):
            return None
        else:
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
        return self._storage.redirect(call, file_id)

    def recording(self, call: Call) -> Answer:
        """The recording of a call; the redirect is the same as a file's."""
        call.scratch.setdefault("at", self._site.clock.now())
        call_id = number(call)
        if not CALLS <= call_id < CALLS + 1_000_000_000:
            raise errors.not_found()
        return self._storage.redirect(call, call_id)

    def stored(self, call: Call) -> Answer:
        """The second hop."""
        site = self._site
        if refused := self._storage.refused(call):
            return refused
        file_id = ids.token_number(call.params["token"], site.desk.seed) or 0
        if self._photo(file_id) is not None:
            return file_answer(
                "photo.png",
                "image/png",
                files.make_bytes("image/png", PHOTO_SIZE, seeds.mix(site.desk.seed, file_id)),
            )
        if CALLS <= file_id < CALLS + 1_000_000_000:
            return file_answer(
                "recording.mp3",
                "audio/mpeg",
                files.make_bytes("audio/mpeg", RECORDING_SIZE, seeds.mix(site.desk.seed, file_id)),
            )
        if (place := guide_files.article_of(file_id)) is not None:
            return self._article_file(place, file_id)
        file = self._file(file_id)
        if file is None:
            raise errors.not_found()
        return file_answer(file.name, file.mime, files.content(file))

    def _article_file(self, place: int, file_id: int) -> Answer:
        guide = self._site.guide
        article = guide.articles[place] if place < len(guide.articles) else None
        if article is not None:
            for file in guide_files.of_article(guide.seed, place, article.source_locale):
                if file.id == file_id:
                    return file_answer(file.name, file.mime, guide_files.content(guide.seed, file))
        raise errors.not_found()
