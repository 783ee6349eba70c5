"""Users, identities, organizations, memberships, groups.

Here: these endpoints. Not here: their exports and JSON.
"""

from typing import Any
from urllib.parse import parse_qsl

import numpy as np

from migration_pipeline.sandbox.wire import Call, Route
from migration_pipeline.sandbox.zendesk import errors
from migration_pipeline.sandbox.zendesk.desk import Index
from migration_pipeline.sandbox.zendesk.sideloads import shown_identities, shown_organizations, shown_users
from migration_pipeline.sandbox.zendesk.site import Made, Site, included, index_of, number, numbers, spoiled
from migration_pipeline.sandbox.zendesk.world import ids, people
from migration_pipeline.sandbox.zendesk.world.population import DELETED, GONE

_DELETED_FIELDS = (
    "id",
    "url",
    "name",
    "email",
    "created_at",
    "updated_at",
    "time_zone",
    "phone",
    "shared_phone_number",
    "photo",
    "locale_id",
    "locale",
    "organization_id",
    "role",
    "active",
)


def routes(site: Site) -> list[Route]:
    """All routes about people and companies but the exports."""
    who = _People(site)
    return [
        site.route("/users", who.listed),
        site.route("/users/me", who.me),
        site.route("/users/show_many", who.show_many),
        site.route("/users/{id}", who.show),
        site.route("/users/{id}/identities", who.identities),
        site.route("/users/{id}/organization_memberships", who.memberships_of_user),
        site.route("/deleted_users", who.deleted),
        site.route("/deleted_users/{id}", who.deleted_one),
        site.route("/organizations", who.organizations),
        site.route("/organizations/count", who.organizations_count),
        site.route("/organizations/show_many", who.organizations_many),
        site.route("/organizations/{id}", who.organization),
        site.route("/organization_memberships", who.memberships),
        site.route("/groups", who.groups),
        site.route("/groups/{id}", who.group),
        site.route("/group_memberships", who.group_memberships),
    ]


class _People:
    def __init__(self, site: Site) -> None:
        self._site = site

    def _user(self, call: Call) -> int:
        found = self._site.desk.user_exists(number(call))
        if found is None:
            raise errors.not_found()
        return found

    def show(self, call: Call) -> Made:
        return {"user": spoiled(self._site, self._site.desk.user(self._user(call), self._site.base_url))}

    def show_many(self, call: Call) -> Made:
        users = shown_users(self._site, numbers(call))
        return {"users": users, "next_page": None, "previous_page": None, "count": len(users)}

    def me(self, call: Call) -> Made:
        """Without credentials this answers 200 and nobody, so it proves nothing."""
        if self._site.identity(call) is None:
            return {
                "user": {
                    "id": None,
                    "url": None,
                    "name": "Anonymous user",
                    "email": "invalid@example.com",
                    "role": "end-user",
                    "locale": "en-US",
                    "locale_id": 1,
                    "time_zone": None,
                    "verified": False,
                    "active": None,
                }
            }
        mine = dict(self._site.desk.user(0, self._site.base_url))
        if self._site.switches["role"] != "admin":
            mine["role"] = "agent"
        return {"user": mine}

    def listed(self, call: Call) -> Made:
        site = self._site
        query = parse_qsl(call.query_string)
        roles = {value for key, value in query if key in ("role", "role[]")}
        everyone = site.desk.people
        export = site.desk.user_export()
        places = np.sort(export.places)
        if roles:
            kept = [k for k in range(everyone.agents) if people.role_of(everyone, k)[0] in roles]
            rest = places[places >= everyone.agents].tolist() if "end-user" in roles else []
            places = np.array(kept + rest, np.int64)
        keys = ids.USER + (places + 1) * ids.STEP
        index = Index(keys, keys, places)
        page = site.listed(call, "users", index, lambda k: spoiled(site, site.desk.user(k, site.base_url)))
        if "identities" in included(call):
            shown = [ids.user_number(u["id"]) for u in page["users"]]
            page["identities"] = [i for k in shown if k is not None for i in shown_identities(site, k)]
        return page

    def identities(self, call: Call) -> Made:
        rows = shown_identities(self._site, self._user(call))
        return self._site.listed(call, "identities", index_of(r["id"] for r in rows), lambda k: rows[k])

    def _deleted(self, place: int) -> dict[str, Any]:
        shown = self._site.desk.user(place, self._site.base_url)
        return {name: shown[name] for name in _DELETED_FIELDS}

    def deleted(self, call: Call) -> Made:
        site = self._site
        flags = site.desk.people.flags
        places = set(np.flatnonzero(flags & (DELETED | GONE)).tolist())
        places |= {
            k
            for (thing, k), (_, patch) in site.desk.patches.items()
            if thing == "user" and patch.get("active") is False
        }
        ordered = np.array(sorted(places), np.int64)
        keys = ids.USER + (ordered + 1) * ids.STEP
        return site.listed(call, "deleted_users", Index(keys, keys, ordered), self._deleted)

    def deleted_one(self, call: Call) -> Made:
        place = ids.user_number(number(call))
        everyone = self._site.desk.people
        if place is None or place >= everyone.users or self._site.desk.user(place, "")["active"]:
            raise errors.not_found()
        return {"deleted_user": self._deleted(place)}

    def _alive_organizations(self) -> Index:
        alive = np.flatnonzero(~self._site.desk.people.org_deleted)
        keys = ids.ORGANIZATION + (alive + 1) * ids.STEP
        return Index(keys, keys, alive)

    def organizations(self, call: Call) -> Made:
        site = self._site
        return site.listed(
            call,
            "organizations",
            self._alive_organizations(),
            lambda k: spoiled(site, site.desk.organization(k, site.base_url)),
        )

    def organizations_count(self, call: Call) -> Made:
        count = len(self._alive_organizations().times)
        return {"count": {"value": count, "refreshed_at": people.iso(int(call.scratch["at"]))}}

    def organizations_many(self, call: Call) -> Made:
        found = shown_organizations(self._site, [i for i in numbers(call) if self._alive(i)])
        return {"organizations": found, "next_page": None, "previous_page": None, "count": len(found)}

    def _alive(self, organization_id: int) -> bool:
        place = ids.organization_number(organization_id)
        deleted = self._site.desk.people.org_deleted
        return place is not None and place < len(deleted) and not deleted[place]

    def organization(self, call: Call) -> Made:
        wanted = number(call)
        found = shown_organizations(self._site, [wanted]) if self._alive(wanted) else []
        if not found:
            raise errors.not_found()
        return {"organization": found[0]}

    def memberships(self, call: Call) -> Made:
        """All memberships in the order of their ids: users one after another, each with its organizations."""
        site = self._site
        everyone = site.desk.people
        tied = np.stack([everyone.org, everyone.second_org, everyone.third_org], axis=1) >= 0
        tied[(everyone.flags & GONE) != 0] = False
        users, nth = np.nonzero(tied)
        keys = ids.MEMBERSHIP + 1_000_000 + users * 4 + nth
        index = Index(keys, keys, np.arange(len(keys)))

        def show(k: int) -> dict[str, Any]:
            rows = people.organization_memberships(everyone, int(users[k]), site.base_url)
            return next(row for row in rows if row["id"] == int(keys[k]))

        return site.listed(call, "organization_memberships", index, show)

    def memberships_of_user(self, call: Call) -> Made:
        rows = people.organization_memberships(self._site.desk.people, self._user(call), self._site.base_url)
        return self._site.listed(call, "organization_memberships", index_of(r["id"] for r in rows), lambda k: rows[k])

    def groups(self, call: Call) -> Made:
        everyone = self._site.desk.people
        count = everyone.groups + (call.query.get("exclude_deleted") == "false")
        rows = [people.group(everyone, k, self._site.base_url) for k in range(count)]
        return self._site.listed(call, "groups", index_of(r["id"] for r in rows), lambda k: rows[k])

    def group(self, call: Call) -> Made:
        everyone = self._site.desk.people
        for k in range(everyone.groups + 1):
            if ids.group(k) == number(call):
                return {"group": people.group(everyone, k, self._site.base_url)}
        raise errors.not_found()

    def group_memberships(self, call: Call) -> Made:
        rows = people.group_memberships(self._site.desk.people, self._site.base_url)
        return self._site.listed(call, "group_memberships", index_of(r["id"] for r in rows), lambda k: rows[k])
