"""Comments and attachments as the API shows them.

Here: their JSON. Not here: audits and export events around them (``event_json``), serving of bytes (``downloads``).
"""

from typing import Any
from urllib.parse import quote

from migration_pipeline.sandbox.zendesk import odd_files, private_data
from migration_pipeline.sandbox.zendesk.view import View
from migration_pipeline.sandbox.zendesk.world import files, ids, people, prose, seeds, skeleton, threads
from migration_pipeline.sandbox.zendesk.world.files import File
from migration_pipeline.sandbox.zendesk.world.skeleton import CHANNELS, Kind
from migration_pipeline.sandbox.zendesk.world.threads import Step, Ticket

SUPPORT_ADDRESS = "support@acme.example"
FLAGGED = 0.06
HUGE = 0.02
HUGE_BYTES = 60_000
PLACES = (("Berlin, Germany", 52.52, 13.405), ("Lyon, France", 45.764, 4.8357), ("大阪, Japan", 34.6937, 135.5023))


def content_url(view: View, file: File) -> str:
    """Where a file is fetched; on another host where the switch says so."""
    host = view.other_host if view.switches["content_host"] == "external" else view.base_url
    return f"{host}/attachments/token/{ids.token(file.place.id, view.desk.seed)}/?name={quote(file.name, safe='')}"


def attachment(view: View, file: File, *, thumbnails: bool = True) -> dict[str, Any]:
    """An attachment; pictures with one thumbnail, where asked for."""
    url = content_url(view, file)
    picture = files.is_picture(file)
    shown: dict[str, Any] = {
        "url": f"{view.base_url}/api/v2/attachments/{file.place.id}.json",
        "id": file.place.id,
        "file_name": file.name,
        "content_url": url,
        "mapped_content_url": url,
        "content_type": file.mime,
        "size": file.size,
        "width": 640 if picture else None,
        "height": 480 if picture else None,
        "inline": file.inline,
        "deleted": file.redacted,
        "malware_access_override": False,
        "malware_scan_result": "malware_found" if file.malware else "malware_not_found",
    }
    if view.switches["odd_files"]:
        shown |= odd_files.oddities(file, shown)
    if thumbnails:
        shown["thumbnails"] = [attachment(view, files.thumbnail(file), thumbnails=False)] if picture else []
    return shown


def user_id(number: int) -> int:
    """The id of a user by number; the system is -1."""
    return ids.user(number) if number >= 0 else -1


def comment_via(view: View, ticket: Ticket, step: Step) -> dict[str, Any]:
    """How a comment came in."""
    if step.kind in (Kind.MERGE_IN, Kind.MERGE_OUT):
        side = {"ticket_ids": list(step.others)} if step.kind == Kind.MERGE_IN else {}
        return {"channel": "web", "source": {"from": side, "to": {}, "rel": "merge"}}
    channel = int(view.desk.tickets.channel[ticket.place])
    people_now = view.desk.people
    customer = step.author == ticket.requester or step.author >= people_now.agents
    if step.kind == Kind.VOICE:
        return {
            "channel": "voice",
            "source": {"from": {"phone": "+4930901820"}, "to": {"name": "Acme"}, "rel": "inbound"},
        }
    if channel == skeleton.MAIL and customer and step.author >= 0:
        name = people.name_of(view.desk.seed, people_now, step.author)
        return {
            "channel": "email",
            "source": {
                "from": {
                    "address": people.email_of(people_now, step.author),
                    "name": name,
                    "original_recipients": [
                        a for a in (people.email_of(people_now, step.author), SUPPORT_ADDRESS) if a
                    ],
                },
                "to": {
                    "name": "Acme",
                    "address": SUPPORT_ADDRESS,
                    "email_ccs": [a for a in (people.email_of(people_now, n) for n in step.ccs) if a],
                },
                "rel": None,
            },
        }
    if channel in (skeleton.CHAT_CHANNEL, skeleton.MESSAGING) and step.seq == 0:
        return {"channel": CHANNELS[channel], "source": {"from": {}, "to": {}, "rel": None}}
    name = CHANNELS[channel] if customer and channel in (skeleton.API, skeleton.MOBILE) else "web"
    return {"channel": name, "source": {"from": {}, "to": {}, "rel": None}}


def metadata(view: View, ticket: Ticket, step: Step) -> dict[str, Any]:
    """Client and place of an author, and the mail's identifiers."""
    number = seeds.mix(step.seed, 6)
    location, latitude, longitude = PLACES[number % len(PLACES)]
    system: dict[str, Any] = {
        "ip_address": f"203.0.113.{number % 250 + 1}",
        "location": location,
        "latitude": latitude,
        "longitude": longitude,
    }
    if int(view.desk.tickets.channel[ticket.place]) == skeleton.MAIL and step.author >= view.desk.people.agents:
        raw = f"{ticket.id}/{number:016x}.eml"
        system = {
            "message_id": f"<{number:x}@mail.example.net>",
            "email_id": f"01{number % 10**10:010d}",
            "raw_email_identifier": raw,
            "json_email_identifier": raw.replace(".eml", ".json"),
            "eml_redacted": False,
            **system,
        }
    else:
        system = {"client": "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/128.0", **system}
    shown: dict[str, Any] = {"system": system, "custom": {}}
    if "message_id" in system and seeds.share(step.seed, 17) < FLAGGED:
        # The service does not trust who this mail says that it is from.
        shown |= {
            "flags": [11],
            "flags_options": {"11": {"message": {"user": "unknown"}, "trusted": False}},
            "trusted": False,
            "suspension_type_id": None,
        }
    return shown


def written(view: View, ticket: Ticket, step: Step) -> tuple[str, str, list[File]]:
    """(HTML, text, all files) of a comment, with the addresses of its inline images put in."""
    world = view.desk.world
    writing = threads.writing_of(world, ticket, step, current=not view.original)
    found = threads.files_of(
        world,
        ticket,
        step,
        current=not view.original,
        images=writing.images if step.seq not in ticket.redacted else None,
    )
    markup, text = writing.html, writing.text
    if writing.images:
        inline = [f for f in found if f.inline]
        for k in range(writing.images):
            mark = prose.IMAGE_MARK.format(k)
            url = content_url(view, inline[k]) if k < len(inline) else "cid:lost-image"
            markup, text = markup.replace(mark, url), text.replace(mark, url)
    if view.switches["huge_comments"] and text and seeds.share(step.seed, 18) < HUGE:
        times = HUGE_BYTES // len(text.encode()) + 1
        markup, text = markup * times, "\n\n".join([text] * times)[:HUGE_BYTES]
    if view.switches["private_data"] and step.author >= 0:
        markup, text = private_data.written(step.seed, markup, text)
    return markup, text, found


def comment(view: View, ticket: Ticket, step: Step) -> dict[str, Any]:
    """The parts that a comment has on every road: alone, in audits and in export events."""
    markup, text, found = written(view, ticket, step)
    shown: dict[str, Any] = {
        "id": ids.child(ticket.place, step.seq, 0),
        "type": "VoiceComment" if step.kind == Kind.VOICE else "Comment",
        "author_id": user_id(step.author),
        "body": text,
        "html_body": prose.wrap(markup),
        "plain_body": text.replace("\n", " \n"),
        "public": threads.is_public(ticket, step, current=not view.original),
        "attachments": [attachment(view, f) for f in found if view.inline_images or not f.inline],
        "audit_id": ids.audit(ticket.place, step.seq),
    }
    if step.kind == Kind.VOICE:
        data = threads.voice_data(view.desk.world, step)
        data["recording_url"] = (
            f"{view.other_host}/recordings/{data['call_id']}"
            if view.switches["recording_host"] == "other"
            else f"{view.base_url}/api/v2/channels/voice/calls/{data['call_id']}/twilio/recording"
        )
        shown |= {
            "data": data,
            "formatted_from": "+49 30 901820",
            "formatted_to": "+1 (415) 555-0100",
            "transcription_visible": False,
        }
    return shown


def full_comment(view: View, ticket: Ticket, step: Step) -> dict[str, Any]:
    """A comment of a ticket's list of comments."""
    return {
        **comment(view, ticket, step),
        "via": comment_via(view, ticket, step),
        "created_at": people.iso(step.time),
        "metadata": metadata(view, ticket, step),
    }


def description(view: View, ticket: Ticket) -> str:
    """The plain text of the first comment."""
    return written(view, ticket, ticket.steps[0])[1]
