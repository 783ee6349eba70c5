"""Attachments over real HTTP: two hops, who needs credentials, expiry, what was redacted."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from migration_pipeline_tests.sandbox.zendesk_kit import EVERYTHING, Desk, comments_of, running

Rows = list[dict[str, Any]]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with running(tmp_path_factory.mktemp("zendesk")) as found:
        yield found


@pytest.fixture(scope="module")
def files(desk: Desk) -> Rows:
    """All attachments of tickets that are not deleted, inline ones too."""
    alive = [
        t["id"] for t in desk.export_rows(f"incremental/tickets/cursor?{EVERYTHING}&exclude_deleted=true", "tickets")
    ]
    return [
        file
        for number in alive
        for c in desk.rows(f"tickets/{number}/comments?page[size]=100&include_inline_images=true", "comments")
        for file in c["attachments"]
    ]


def hop(url: str, **headers: str) -> requests.Response:
    """A call without the API's credentials."""
    return requests.get(url, headers=headers, allow_redirects=False, timeout=10)


def fetch(desk: Desk, file: dict[str, Any]) -> requests.Response:
    """Both hops, credentials on the first one only."""
    first = desk.get(file["content_url"])
    assert first.status_code == 302, (first.status_code, first.text)
    return hop(first.headers["location"])


def test_files_have_the_size_they_claim_and_never_change(desk: Desk, files: Rows) -> None:
    clean = [f for f in files if f["malware_scan_result"] == "malware_not_found"]
    some = clean[::4] + [f for f in clean if f["size"] == 0][:2]
    for file in some:
        answer = fetch(desk, file)
        assert answer.status_code == 200
        assert len(answer.content) == file["size"], file["file_name"]
        assert answer.headers["content-type"] == file["content_type"]
        assert fetch(desk, file).content == answer.content


def test_names_sizes_and_twins_are_life_like(desk: Desk, files: Rows) -> None:
    attached = [f for f in files if not f["inline"]]
    names = {f["file_name"] for f in attached}
    assert any(not name.isascii() for name in names)
    for mark in (" ", '"', "\\", "/", "%"):
        assert any(mark in name for name in names), mark
    assert min(f["size"] for f in attached) == 0
    assert sum(f["size"] > 1_000_000 for f in attached) >= 1
    assert sorted(f["size"] for f in attached)[len(attached) // 2] < 50_000
    twins = Counter((f["file_name"], f["size"]) for f in attached if f["file_name"] == "logo.png")
    assert max(twins.values()) > 1
    logos = [f for f in attached if f["file_name"] == "logo.png"][:2]
    assert logos[0]["id"] != logos[1]["id"]
    assert len({hashlib.sha256(fetch(desk, f).content).hexdigest() for f in logos}) == 1


def test_pictures_are_pictures(desk: Desk, files: Rows) -> None:
    picture = next(f for f in files if f["inline"] and f["content_type"] == "image/png")
    assert picture["thumbnails"][0]["size"] == len(fetch(desk, picture["thumbnails"][0]).content)
    body = fetch(desk, picture).content
    assert body.startswith(b"\x89PNG\r\n\x1a\n")
    assert body.endswith(b"IEND\xaeB`\x82")


def test_metadata_of_one_file(desk: Desk, files: Rows) -> None:
    assert desk.json(f"attachments/{files[0]['id']}")["attachment"] == files[0]
    assert desk.get("attachments/1").status_code == 404
    assert hop(f"{desk.base_url}/attachments/token/abcdefghij/?name=x").status_code == 404


@pytest.mark.parametrize("status", [401, 403])
def test_private_files_need_credentials_on_the_first_hop(desk: Desk, files: Rows, status: int) -> None:
    clean = [f for f in files if f["malware_scan_result"] == "malware_not_found"][::4]
    with desk.switched(private_attachment_status=status):
        answers = Counter(hop(f["content_url"]).status_code for f in clean)
        assert set(answers) == {302, status}
        assert answers[302] > answers[status] > 0
        desk.switch(private_attachments="all")
        assert {hop(f["content_url"]).status_code for f in clean} == {status}
        assert fetch(desk, clean[0]).status_code == 200
        desk.switch(private_attachments="none")
        assert {hop(f["content_url"]).status_code for f in clean} == {302}


def test_infected_files_are_blocked(desk: Desk, files: Rows) -> None:
    infected = [f for f in files if f["malware_scan_result"] == "malware_found"]
    assert infected
    assert {desk.get(f["content_url"]).status_code for f in infected} == {403}


def test_storage_addresses_expire_and_are_signed(desk: Desk, files: Rows) -> None:
    with desk.switched(private_attachments="none"):
        place = hop(files[0]["content_url"]).headers["location"]
    assert hop(place).status_code == 200
    assert hop(place.replace("expires=", "expires=9")).status_code == 403
    desk.advance(301)
    assert hop(place).status_code == 403


def test_the_other_host_refuses_credentials(desk: Desk, files: Rows) -> None:
    clean = next(f for f in files if f["malware_scan_result"] == "malware_not_found")
    with desk.switched(storage_host="other"):
        place = desk.get(clean["content_url"]).headers["location"]
        assert place.startswith("http://localhost:")
        assert hop(place).status_code == 200
        assert hop(place, Authorization=str(desk.session.headers["Authorization"])).status_code == 400


def test_content_can_be_on_another_host(desk: Desk, files: Rows) -> None:
    number = files[0]["id"]
    with desk.switched(content_host="external"):
        url = desk.json(f"attachments/{number}")["attachment"]["content_url"]
    assert url.startswith("http://localhost:")
    assert files[0]["content_url"].startswith("http://127.0.0.1:")


def test_a_redacted_file_is_an_empty_text(desk: Desk, files: Rows) -> None:
    gone = [f for f in files if f["file_name"] == "redacted.txt"]
    assert gone
    assert (gone[0]["size"], gone[0]["deleted"]) == (0, True)
    assert fetch(desk, gone[0]).content == b""
    path = f"incremental/ticket_events?{EVERYTHING}&include=comment_events"
    before = {
        a["id"]: a for c in comments_of(desk.export_rows(path, "ticket_events")).values() for a in c["attachments"]
    }
    assert before[gone[0]["id"]]["file_name"] != "redacted.txt"


def test_recordings_and_photos_are_served(desk: Desk) -> None:
    users = desk.rows("users?page[size]=100", "users")
    photo = next(u["photo"] for u in users if u["photo"])
    assert len(fetch(desk, photo).content) == photo["size"]
    rows = desk.export_rows(f"incremental/ticket_events?{EVERYTHING}&include=comment_events", "ticket_events")
    call = next(c for c in comments_of(rows).values() if c["type"] == "VoiceComment")
    assert len(fetch(desk, {"content_url": call["data"]["recording_url"]}).content) > 1_000
