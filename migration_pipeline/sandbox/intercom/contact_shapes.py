"""How a contact is answered, by version and switches. Nothing is changed here."""

from __future__ import annotations

from typing import Any

import orjson
import phonenumbers

from migration_pipeline.sandbox.intercom.workspace import Row, Workspace, loads

Json = dict[str, Any]
EMBEDDED = 10

_UNKNOWN: Json = dict.fromkeys(
    (
        "last_email_opened_at",
        "last_email_clicked_at",
        "language_override",
        "browser",
        "browser_version",
        "browser_language",
        "os",
        "android_app_name",
        "android_app_version",
        "android_device",
        "android_os_version",
        "android_sdk_version",
        "android_last_seen_at",
        "ios_app_name",
        "ios_app_version",
        "ios_device",
        "ios_os_version",
        "ios_sdk_version",
        "ios_last_seen_at",
    )
)
"""What only a contact's own devices could tell."""

_LOCATION = dict.fromkeys(("country", "region", "city", "country_code", "continent_code"))


def contact_json(ws: Workspace, row: Row, version: str) -> Json:
    """The whole contact, with at most ten of its tags, notes and companies."""
    contact_id = row["id"]
    url = f"/contacts/{contact_id}"
    email = row["email"]
    return {
        "type": "contact",
        "id": contact_id,
        "workspace_id": ws.id_code,
        "external_id": row["external_id"],
        "role": row["role"],
        **_email(email, ws.switches["contact_without_email"]),
        "phone": row["phone"],
        "formatted_phone": _e164(row["phone"]),
        "name": row["name"],
        "avatar": {"type": "avatar", "image_url": row["avatar"]} if row["avatar"] else None,
        "owner_id": _owner(row["owner_id"], version),
        "social_profiles": {"type": "list", "data": []},
        "has_hard_bounced": False,
        "marked_email_as_spam": False,
        "unsubscribed_from_emails": bool(row["unsubscribed"]),
        **({"email_verified": _boolean(row["email_verified"])} if version >= "2.16" else {}),
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "signed_up_at": row["signed_up_at"],
        "last_seen_at": row["last_seen_at"],
        "last_replied_at": row["last_replied_at"],
        "last_contacted_at": row["last_contacted_at"],
        **_UNKNOWN,
        "location": {"type": "location", **_LOCATION},
        "custom_attributes": orjson.Fragment(row["custom_attributes"]),
        "tags": _embedded(
            ws,
            "tag",
            f"{url}/tags",
            "SELECT tag_id FROM taggings WHERE kind = 'contact' AND object_id = ?",
            contact_id,
            "/tags/",
        ),
        "notes": _embedded(
            ws,
            "note",
            f"{url}/notes",
            "SELECT id FROM notes WHERE kind = 'contact' AND object_id = ?",
            contact_id,
            "/notes/",
        ),
        "companies": _embedded(
            ws,
            "company",
            f"{url}/companies",
            "SELECT company_id FROM contact_companies WHERE contact_id = ?",
            contact_id,
            "/companies/",
        ),
        **_subscriptions(ws, contact_id, url),
        "utm_campaign": None,
        "utm_content": None,
        "utm_medium": None,
        "utm_source": None,
        "utm_term": None,
        "referrer": None,
        "enabled_push_messaging": None,
        "merge_history": loads(row["merge_history"]),
    }


def reference(row: Row, **more: Any) -> Json:
    """A contact as other objects point at it."""
    return {"type": "contact", "id": row["id"], "external_id": row["external_id"], **more}


_NO_EMAIL: dict[str, Json] = {
    "null": {"email": None, "email_domain": None},
    "absent": {},
    "empty": {"email": "", "email_domain": ""},
}


def _email(email: str | None, absent: str) -> Json:
    return {"email": email, "email_domain": email.rpartition("@")[2]} if email else _NO_EMAIL[absent]


def _owner(owner_id: int | None, version: str) -> str | int | None:
    """An integer before 2.16, a string since."""
    return str(owner_id) if owner_id is not None and version >= "2.16" else owner_id


def _e164(phone: str | None) -> str | None:
    if not phone:
        return None
    try:
        parsed = phonenumbers.parse(phone, None)
    except phonenumbers.NumberParseException:
        return None
    return str(phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164))


def _boolean(value: int | None) -> bool | None:
    return None if value is None else bool(value)


def _embedded(ws: Workspace, kind: str, url: str, sql: str, contact_id: str, base: str) -> Json:
    ids = [found[0] for found in ws.db.execute(sql, (contact_id,))]
    return {
        "type": "list",
        "data": [{"type": kind, "id": str(i), "url": f"{base}{i}"} for i in ids[:EMBEDDED]],
        "url": url,
        "total_count": len(ids),
        "has_more": len(ids) > EMBEDDED,
    }


def _subscriptions(ws: Workspace, contact_id: str, url: str) -> Json:
    """What the contact opted out of and into."""
    sql = "SELECT type_id, consent_type FROM contact_subscriptions WHERE contact_id = ?"
    chosen = ws.db.execute(sql, (contact_id,)).fetchall()
    answer: Json = {}
    for key, consent in (("opted_out_subscription_types", "opt_out"), ("opted_in_subscription_types", "opt_in")):
        ids = [type_id for type_id, given in chosen if given == consent]
        data = [{"type": "subscription", "id": i, "url": f"/subscription_types/{i}"} for i in ids]
        answer[key] = {
            "type": "list",
            "data": data,
            "url": f"{url}/subscriptions",
            "total_count": len(ids),
            "has_more": False,
        }
    return answer
