"""A workspace that was in use before: teammates, teams and attributes that match a help desk only in part."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from migration_pipeline.sandbox.zendesk import agent_names
from migration_pipeline_tests.sandbox.conftest import served
from migration_pipeline_tests.sandbox.intercom_kit import SEED, Json, Kit, workspace
from migration_pipeline_tests.sandbox.zendesk_kit import running


def test_a_used_workspace_matches_the_help_desk_in_part_and_stays_so_over_a_restart(tmp_path: Path) -> None:
    with served(lambda url: workspace(tmp_path, url, plan="intercom-used")) as service:
        desk = Kit(service.base_url)
        first = _contents(desk)
        assert desk.get("/tags").headers["x-ratelimit-limit"] == "1667"
        desk.control("POST", "furnish", {"names": ["Never seen"]})
        team = desk.control("POST", "teams", {"name": "Night shift"}).json()
        new = {"name": "Ned", "email": "ned@acme.example", "team_ids": [team["id"]], "has_inbox_seat": False}
        ned = desk.control("POST", "teammates", new).json()
        assert desk.control("POST", "teammates", new).status_code == 400
        talk = desk.conversation()
        assert desk.part(talk, "assignment", assignee_id=ned["id"])["admin_assignee_id"] == int(ned["id"])
        listed = desk.ok("GET", "/teams")["teams"]
        assert next(t["admin_ids"] for t in listed if t["id"] == team["id"]) == [int(ned["id"])]
        desk.close()
    with served(lambda url: workspace(tmp_path, url, plan="intercom-1000-used")) as service:
        desk = Kit(service.base_url)
        later = _contents(desk)
        assert desk.ok("GET", f"/admins/{ned['id']}")["team_ids"] == [int(team["id"])]
        desk.close()
    assert later["emails"] - first["emails"] == {"ned@acme.example"}
    assert {k: v for k, v in first.items() if k != "emails"} == {k: v for k, v in later.items() if k != "emails"}
    assert "Agent7@Acme.example" in first["emails"]
    assert first["twice"] == ["Serial number"]
    assert first["archived"] == {"Fax", "Renewal", "Warranty case", "Credit card"}
    assert first["tiers"] == ["gold", "Silber", "Basic", "Platinum"]


def _contents(desk: Kit) -> Json:
    data = [a for a in desk.ok("GET", "/data_attributes?include_archived=true")["data"] if a["custom"]]
    talks = desk.ok("GET", "/conversations/attributes?include_archived=true")["data"]
    tickets = desk.ok("GET", "/ticket_types")["data"][0]["ticket_type_attributes"]["data"]
    return {
        "emails": {admin["email"] for admin in desk.admins()},
        "archived": {a["name"] for a in [*data, *talks, *tickets] if a["archived"]},
        "twice": [name for name, count in Counter(a["name"] for a in talks).items() if count > 1],
        "tiers": next(a["options"] for a in data if a["name"] == "Tier"),
        "types": {a["name"]: a["data_type"] for a in [*data, *talks, *tickets]},
    }


def test_a_teammate_may_share_only_a_name_with_an_agent(tmp_path: Path) -> None:
    with served(lambda url: workspace(tmp_path, url)) as service:
        desk = Kit(service.base_url)
        desk.control("POST", "furnish", {"names": ["Ana Ahlers"]})
        assert {a["name"]: a["email"] for a in desk.admins()}["Ana Ahlers"] == "someone1@other.example"
        assert desk.error("POST", "/data_attributes", {
            "name": "TIER", "model": "company", "data_type": "string",
        }) == (400, "parameter_invalid")  # fmt: skip
        talk = desk.conversation()
        put = f"/conversations/{talk}"
        assert desk.error("PUT", put, {"custom_attributes": {"Serial number": "x"}}) == (400, "parameter_invalid")
        assert desk.error("PUT", put, {"custom_attributes": {"Warranty case": True}}) == (400, "parameter_invalid")
        desk.close()


def test_a_workspace_may_know_a_part_of_the_agents(tmp_path: Path) -> None:
    names = agent_names(tickets=900, seed=SEED)
    with running(tmp_path / "source", tickets=900, seed=SEED) as source:
        agents = [u for u in source.rows("users?page[size]=100", "users") if u["role"] != "end-user"]
        assert {(u["name"], u["email"]) for u in agents} <= {
            (name, f"agent{k}@acme.example") for k, name in enumerate(names, start=1)
        }
    found = []
    for known in (names, ()):  # The second time it is a workspace that knows already whom it holds.
        with served(lambda url, known=known: workspace(tmp_path / "target", url, agents=known)) as service:
            desk = Kit(service.base_url)
            found.append(desk.admins())
            desk.close()
    assert found[0] == found[1]
    addresses, called = {a["email"] for a in found[0]}, {a["name"] for a in found[0]}
    ways: Counter[str] = Counter()
    for agent in agents:
        if agent["email"] in addresses:
            ways["address"] += 1
        elif agent["email"] in {a.lower() for a in addresses}:
            ways["letter case"] += 1
        else:
            ways["name" if agent["name"] in called else "not"] += 1
    assert ways["letter case"] == 1
    assert ways["address"] >= len(agents) / 2
    assert min(ways["name"], ways["not"]) >= 2
