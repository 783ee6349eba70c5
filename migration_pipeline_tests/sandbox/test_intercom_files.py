"""Attachments: base64 and URLs in, byte-equal bytes out of signed URLs that expire."""

from __future__ import annotations

import base64
import hashlib

import pytest
import requests

from migration_pipeline_tests.sandbox.file_host import BYTES
from migration_pipeline_tests.sandbox.intercom_kit import Json, Kit, file


def attachments(conversation: Json) -> list[Json]:
    found: list[Json] = conversation["conversation_parts"]["conversation_parts"][-1]["attachments"]
    return found


def fetched(url: str) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False
        return session.get(url, timeout=10)


@pytest.mark.behaviour("S15")
@pytest.mark.parametrize("author", ["admin", "contact"])
@pytest.mark.parametrize(
    "name", ["a.bin", "Grüße & mehr.pdf", "日本語.txt", "../../etc/passwd", 'quo"te\\x', "q?a#b%20"]
)
def test_files_come_back_byte_equal_under_their_name(desk: Kit, author: str, name: str) -> None:
    who = desk.contact()
    talk = desk.conversation(who)
    files = [file(name, BYTES, "application/x-thing"), file("empty", b"")]
    shown = (
        desk.note(talk, attachment_files=files)
        if author == "admin"
        else desk.contact_reply(talk, who, attachment_files=files)
    )
    first, second = attachments(shown)
    assert (first["name"], first["content_type"], first["filesize"]) == (name, "application/x-thing", len(BYTES))
    answer = fetched(first["url"])
    assert hashlib.sha256(answer.content).digest() == hashlib.sha256(BYTES).digest()
    assert answer.headers["content-type"] == "application/x-thing"
    assert fetched(second["url"]).content == b""


def test_a_signed_url_expires_after_thirty_minutes_and_is_signed_anew_when_read(desk: Kit) -> None:
    talk = desk.conversation()
    url = attachments(desk.note(talk, attachment_files=[file()]))[0]["url"]
    assert url.startswith(desk.base_url + "/files/")
    desk.advance(29 * 60)
    assert fetched(url).status_code == 200
    desk.advance(2 * 60)
    assert fetched(url).status_code == 403
    assert fetched(attachments(desk.ok("GET", f"/conversations/{talk}"))[0]["url"]).content == b"hello"
    for broken in (url.replace("sig=", "sig=0"), url.split("?")[0], url.replace("expires=1", "expires=9")):
        assert fetched(broken).status_code == 403


def test_urls_are_fetched_and_re_hosted(desk: Kit, host: str) -> None:
    who = desk.contact()
    body = {"from": {"type": "user", "id": who["id"]}, "body": "x", "attachment_urls": [f"{host}/ok/my%20file.zip"]}
    talk = desk.ok("POST", "/conversations", body)["conversation_id"]
    source = desk.ok("GET", f"/conversations/{talk}")["source"]["attachments"][0]
    assert (source["name"], source["content_type"]) == ("my file.zip", "application/zip")
    assert fetched(source["url"]).content == BYTES
    replied = attachments(desk.note(talk, attachment_urls=[f"{host}/image.png"]))[0]
    assert replied["url"].startswith(desk.base_url)
    assert fetched(replied["url"]).content == BYTES
    # Another attachment of this very service is a public URL like any other.
    assert fetched(attachments(desk.note(talk, attachment_urls=[replied["url"]]))[0]["url"]).content == BYTES


def test_only_loopback_is_ever_fetched_from(desk: Kit) -> None:
    body = {"message_type": "note", "type": "admin", "admin_id": desk.admin, "body": "x"}
    urls = ["http://192.0.2.1/x"]
    answer = desk.post(f"/conversations/{desk.conversation()}/reply", {**body, "attachment_urls": urls})
    assert "the host cannot be reached" in answer.json()["errors"][0]["message"]


@pytest.mark.parametrize("status", [400, 422])
@pytest.mark.parametrize(
    "path", ["{host}/missing", "{host}/moved", "http://127.0.0.1:1/x", "http://192.0.2.1/x", "ftp://x/y"]
)
def test_urls_that_cannot_be_fetched_refuse_the_whole_call(desk: Kit, host: str, path: str, status: int) -> None:
    desk.switch(attachment_url_failure_status=status)
    talk = desk.conversation()
    body = {"message_type": "note", "type": "admin", "admin_id": desk.admin, "body": "x"}
    urls = [f"{host}/ok/a", path.format(host=host)]
    answer = desk.error("POST", f"/conversations/{talk}/reply", {**body, "attachment_urls": urls})
    assert answer == (status, "parameter_invalid")
    assert desk.ok("GET", f"/conversations/{talk}")["conversation_parts"]["total_count"] == 0


def test_urls_may_have_to_be_images(desk: Kit, host: str) -> None:
    desk.switch(attachment_url_types="images")
    talk = desk.conversation()
    assert len(attachments(desk.note(talk, attachment_urls=[f"{host}/image.png"]))) == 1
    body = {"message_type": "note", "type": "admin", "admin_id": desk.admin, "body": "x"}
    assert desk.error("POST", f"/conversations/{talk}/reply", {**body, "attachment_urls": [f"{host}/ok/a"]})[0] == 400


@pytest.mark.parametrize("status", [400, 422])
def test_ten_attachments_pass_and_eleven_do_not(desk: Kit, host: str, status: int) -> None:
    desk.switch(too_many_files_status=status)
    talk = desk.conversation()
    ten = [file(f"{n}.txt") for n in range(10)]
    assert [a["name"] for a in attachments(desk.note(talk, attachment_files=ten))] == [f["name"] for f in ten]
    body = {"message_type": "note", "type": "admin", "admin_id": desk.admin, "body": "x"}
    for many in ({"attachment_files": [*ten, file()]}, {"attachment_urls": [f"{host}/ok/a"] * 11}):
        assert desk.error("POST", f"/conversations/{talk}/reply", {**body, **many})[0] == status


def test_files_win_over_urls(desk: Kit) -> None:
    talk = desk.conversation()
    shown = desk.note(talk, attachment_files=[file("mine")], attachment_urls=["http://127.0.0.1:1/never"])
    assert [a["name"] for a in attachments(shown)] == ["mine"]


def test_a_reply_of_files_alone_needs_no_body(desk: Kit) -> None:
    who = desk.contact()
    talk = desk.conversation(who)
    shown = desk.contact_reply(talk, who, body=None, attachment_files=[file()])
    assert shown["conversation_parts"]["conversation_parts"][-1]["body"] is None
    assert len(attachments(shown)) == 1


@pytest.mark.parametrize(
    "item",
    [
        {"name": "a", "content_type": "text/plain", "data": "not base64!"},
        {"name": "a", "content_type": "text/plain", "data": "aGVs!bG8="},
        {"name": "a", "content_type": "text/plain"},
        {"name": "", "content_type": "text/plain", "data": ""},
        {"name": "a", "data": base64.b64encode(b"x").decode()},
        "a.txt",
    ],
)
def test_files_that_cannot_be_read(desk: Kit, item: object) -> None:
    talk = desk.conversation()
    body = {"message_type": "note", "type": "admin", "admin_id": desk.admin, "body": "x", "attachment_files": [item]}
    assert desk.error("POST", f"/conversations/{talk}/reply", body) == (400, "parameter_invalid")


def test_size_caps_and_empty_files_follow_their_switches(desk: Kit) -> None:
    desk.switch(attachment_max_bytes=5, empty_files="reject")
    talk = desk.conversation()
    body = {"message_type": "note", "type": "admin", "admin_id": desk.admin, "body": "x"}
    path = f"/conversations/{talk}/reply"
    assert desk.error("POST", path, {**body, "attachment_files": [file(data=b"123456")]}) == (422, "parameter_invalid")
    assert desk.error("POST", path, {**body, "attachment_files": [file(data=b"")]}) == (400, "parameter_invalid")
    assert len(attachments(desk.note(talk, attachment_files=[file(data=b"12345")]))) == 1


def test_a_redacted_part_has_no_files(desk: Kit) -> None:
    talk = desk.conversation()
    part = desk.note(talk, attachment_files=[file()])["conversation_parts"]["conversation_parts"][0]["id"]
    order = {"type": "conversation_part", "conversation_id": talk, "conversation_part_id": part}
    assert attachments(desk.ok("POST", "/conversations/redact", order)) == []


def test_a_type_of_file_may_be_refused(desk: Kit) -> None:
    desk.switch(refused_content_types=["application/x-msdownload"])
    path = f"/conversations/{desk.conversation()}/reply"
    body = {"message_type": "note", "type": "admin", "admin_id": desk.admin, "body": "x"}
    refused = {**body, "attachment_files": [file("a.exe", content_type="application/x-msdownload")]}
    assert desk.error("POST", path, refused) == (422, "parameter_invalid")
    desk.ok("POST", path, {**body, "attachment_files": [file("a.txt")]})
