"""Another number of files a part, while a comment is half sent and after it was: each file arrives once."""

from collections import Counter

import pytest

from migration_pipeline.model.run import Run
from migration_pipeline.target import reading
from migration_pipeline.target.transcripts import line_of
from migration_pipeline.target.verify import summary, verify
from migration_pipeline_tests.target.bench import Bench, Row

TEXT = "<p><b>Ann</b> (Zendesk)</p><p>here they are</p>"
LEAD = "<p><b>Ann</b> (Zendesk)</p>"


def cut(bench: Bench, files: list[Row], size: int) -> list[Row]:
    """A comment's parts, so many files in each, as mapping makes them; and a comment after it."""
    parts = []
    for at in range(0, len(files), size):
        chunk = files[at : at + size]
        body = TEXT if at == 0 else f"{LEAD}<p>{line_of([file['name'] for file in chunk])}</p>"
        parts.append(bench.said(body, comment_ref="c1", files=chunk, after=60 + at // size))
    return [*parts, bench.said("<p>thanks</p>", comment_ref="c2", after=120)]


def put(bench: Bench, parts: list[Row]) -> None:
    bench.rows["parts"] = [{"ticket_ref": bench.id("t"), "position": at} | part for at, part in enumerate(parts)]


def arrived(bench: Bench) -> Counter[str]:
    """The names of the files in the conversation."""
    return Counter(file.name for message in reading.messages(bench.conversation("t")) for file in message.files)


@pytest.mark.behaviour("B01", "B02")
@pytest.mark.parametrize("finished", [False, True])
@pytest.mark.parametrize(("before", "after"), [(4, 2), (2, 4), (1, 10), (6, 5)])
def test_a_comment_keeps_the_cut_it_was_begun_in(bench: Bench, before: int, after: int, finished: bool) -> None:
    files = [bench.file(f"{number}.txt", b"x" * number) for number in range(1, 7)]
    bench.contact("ann")
    parts = cut(bench, files, before)
    row = bench.ticket("t", "ann", parts, opener_comment_ref="c0")
    for part in () if finished else bench.rows["parts"][1:]:
        part["admin_id"] = "999"  # refused: the run ends with the comment half sent
    assert bench.load_all()["tickets"].failed == (0 if finished else 1)

    put(bench, cut(bench, files, after))
    row["digest"] += "+"
    bench.again()
    assert bench.load("tickets", "run-2", t="update" if finished else "create").failed == 0
    assert arrived(bench) == Counter(file["name"] for file in files)
    assert "comment_edited" not in bench.outcome("tickets", "t")["losses"]
    verify("tickets", bench.staging, bench.journal, bench.client, Run("run-2", "full", bench.stop))
    assert summary(bench.staging)["mismatches"] == []
