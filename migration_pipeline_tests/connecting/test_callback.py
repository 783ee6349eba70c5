"""One answer is taken on loopback, and only the one to our own request is used."""

import socket
from pathlib import Path
from urllib.parse import urlencode

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from migration_pipeline.credentials import Callback, code_of, pasted
from migration_pipeline.model.errors import AccessDenied, SettingsError


def test_the_first_answer_is_taken_and_nothing_else(capfd: pytest.CaptureFixture[str]) -> None:
    with Callback(0) as callback:
        home = callback.url.removesuffix("/callback")
        assert home.startswith("http://127.0.0.1:")
        assert requests.get(f"{home}/favicon.ico", timeout=5).status_code == 404
        assert requests.post(callback.url, data={"code": "x"}, timeout=5).status_code == 501
        with pytest.raises(AccessDenied, match="No answer came"):
            callback.wait(0.01)
        taken = requests.get(f"{home}/forwarded/by/a/page", params={"code": "c0de&", "state": "s"}, timeout=5)
        assert taken.status_code == 200
        assert "c0de" not in taken.text
        assert requests.get(f"{callback.url}?code=other", timeout=5).status_code == 410
        assert code_of(callback.wait(5), "s", "X") == "c0de&"
        with pytest.raises(SettingsError, match="--port"):
            Callback(int(home.rsplit(":", 1)[1]))
    with pytest.raises(requests.ConnectionError):
        requests.get(callback.url, timeout=5)
    assert "c0de" not in "".join(capfd.readouterr())


def test_an_answer_comes_by_https_and_nobody_can_block_it(
    certificate: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with Callback(0, certificate) as callback:
        assert callback.url.startswith("https://127.0.0.1:")
        port = int(callback.url.rsplit(":", 1)[1].split("/")[0])
        with socket.create_connection(("127.0.0.1", port)):  # and never says a word
            with pytest.raises(requests.exceptions.SSLError):  # as a browser that does not know the certificate
                requests.get(callback.url, timeout=5)
            with pytest.raises(requests.ConnectionError):
                requests.get(callback.url.replace("https", "http"), timeout=5)
            answer = requests.get(f"{callback.url}?code=c0de&state=s", timeout=5, verify=str(certificate))
        assert answer.status_code == 200
        assert code_of(callback.wait(5), "s", "X") == "c0de"
    assert "".join(capfd.readouterr()) == ""
    without_key = tmp_path / "bare.pem"
    without_key.write_text("-----BEGIN" + certificate.read_text().split("-----BEGIN")[2])
    for wrong in (tmp_path / "nothing.pem", without_key):
        with pytest.raises(SettingsError, match="a certificate and its key, without a password"):
            Callback(0, wrong)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ({"code": "c"}, "another state"),
        ({"code": "c", "state": "S"}, "another state"),
        ({"error": "access_denied", "state": "s"}, r"X gave no access \(access_denied\)"),
        ({"error": "[red]\x1b[1m", "error_description": "no <b>", "state": "s"}, r"\(red1m: no b\)"),
        ({"code": "", "state": "s"}, "without a code"),
    ],
)
def test_other_answers_are_told_in_a_sentence(answer: dict[str, str], told: str) -> None:
    with pytest.raises(AccessDenied, match=told):
        code_of(answer, "s", "X")


def test_an_address_is_pasted_whole_or_the_code_alone() -> None:
    assert pasted("  https://x.example/back?code=c&state=s#end \n", "s") == {"code": "c", "state": "s"}
    assert pasted(" c \n", "s") == {"code": "c", "state": "s"}
    with pytest.raises(AccessDenied, match="another state"):
        code_of(pasted("https://x.example/back?code=c", "s"), "s", "X")


@given(st.dictionaries(st.sampled_from(["code", "state", "error", "x"]), st.text(), max_size=4))
def test_no_answer_with_another_state_is_used(answer: dict[str, str]) -> None:
    state = "s" * 40
    for told in (answer, pasted(f"https://x.example/?{urlencode(answer, errors='replace')}", state)):
        with pytest.raises(AccessDenied):
            code_of(told, state, "X")
