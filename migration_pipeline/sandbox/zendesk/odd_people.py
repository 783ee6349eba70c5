"""People as trouble: addresses that differ by case only, shared phones, names and photos that surprise.

Here: who is odd, and in what way, where the switch `odd_people` is on. Not here: ordinary people (``world.people``).
"""

from collections.abc import Callable
from typing import Any

from migration_pipeline.sandbox.zendesk.desk import Desk
from migration_pipeline.sandbox.zendesk.world import ids, people, seeds

SHARE = 0.4

_Row = dict[str, Any]


def _twin(_: _Row, neighbour: _Row) -> _Row:
    """The neighbour's address in other letters: the same person twice, or two who share a box."""
    return {"email": neighbour["email"].upper(), "name": neighbour["name"]} if neighbour["email"] else {}


def _photo(user: _Row, _: _Row) -> _Row:
    url = f"https://gravatar.example.net/{user['id']}.png"
    photo = {"id": user["id"], "file_name": "me.png", "content_url": url, "mapped_content_url": url}
    return {"photo": {**photo, "content_type": "image/png", "size": 900, "inline": False, "deleted": False}}


_WAYS: tuple[Callable[[_Row, _Row], _Row], ...] = (
    _twin,
    _twin,
    lambda _, other: {"phone": other["phone"] or "+493090182000", "shared_phone_number": True},
    lambda _, __: {"name": ""},
    lambda _, __: {"name": "  "},
    lambda _, __: {"name": "N" * 300},
    lambda _, __: {"name": '<b>Bob</b> "the" & \u202eevil'},
    lambda user, __: {"name": user["email"] or "x"},
    lambda _, __: {"shared": True},
    lambda _, other: {"external_id": other["external_id"] or "shop-1"},
    lambda _, __: {"locale": None, "locale_id": None, "time_zone": None, "iana_time_zone": None},
    lambda _, __: {"tags": [f"segment_{k}" for k in range(120)]},
    lambda _, __: {"notes": "Langer Vermerk. " * 700},
    lambda _, __: {"organization_id": ids.organization(900_000)},
    lambda user, __: {"email": f"{'x' * 250}@example.com" if user["email"] else None},
    lambda user, __: {"email": "not-an-address" if user["email"] else None},
    _photo,
)


def _way(number: int) -> int | None:
    if seeds.share(number, 47) >= SHARE:
        return None
    return seeds.mix(number, 48) % len(_WAYS)


def odd_user(desk: Desk, shown: _Row) -> _Row:
    """A user as trouble would have it; agents stay as they are."""
    number = ids.user_number(shown["id"])
    way = _way(number) if number is not None and number > desk.people.agents else None
    if number is None or way is None or shown["permanently_deleted"]:
        return shown
    return {**shown, **_WAYS[way](shown, desk.user(number - 1, ""))}


def odd_identities(desk: Desk, number: int, rows: list[_Row]) -> list[_Row]:
    """The identities of an odd user: the primary address as the user shows it, and kinds besides mail and phone."""
    if _way(number) is None or number <= desk.people.agents or not rows:
        return rows
    shown = odd_user(desk, desk.user(number, ""))
    changed = [{**row, "value": shown["email"]} if row["type"] == "email" and row["primary"] else row for row in rows]
    more = [
        ("facebook", f"{855_769_377_321 + number}"),
        ("google", f"gmail.{number}@example.com"),
        ("email", f"SECOND.{number - 1}@EXAMPLE.ORG"),
        ("phone_number", people.phone_of(desk.people, number - 1) or "12345"),
    ]
    kind, value = more[number % len(more)]
    extra = {**rows[0], "id": rows[0]["id"] + 7, "type": kind, "value": value, "primary": False, "verified": False}
    return [*changed, extra]
