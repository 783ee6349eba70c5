"""The help center has rate windows of its own: it is read beside the tickets, and nothing of either suffers."""

import threading
from types import SimpleNamespace
from typing import Any, cast

import dagster as dg
import pytest

from migration_pipeline.assets.stages import each_entity_type
from migration_pipeline.model.costs import Clock, Limit, Speed, Work
from migration_pipeline.model.errors import RunStopped, ServiceDown
from migration_pipeline_tests.sources.conftest import Desk, Place, Whole


class Context:
    """As much of an asset's context as a walk over entity types asks for."""

    def __init__(self, *keys: str) -> None:
        self.partition_keys = keys
        self.told: dict[str, dict[str, Any]] = {}

    def add_asset_metadata(self, metadata: dict[str, Any], partition_key: str) -> None:
        self.told[partition_key] = metadata

    def walk(self, work: Any, *apart: str, stop: threading.Event | None = None) -> None:
        each_entity_type(
            cast(dg.AssetExecutionContext, self),
            work,
            order=("tickets", "contacts", "articles"),
            apart=frozenset(apart),
            stop=stop,
        )


@pytest.mark.behaviour("S11", "B01")
def test_two_readers_at_a_time_read_what_one_reads_and_count_their_own_calls(
    desk: Desk, somewhere: Place, whole: Whole
) -> None:
    source, staging = somewhere.source, somewhere.staging
    readers = {True: source.beside(), False: source.beside()}
    context = SimpleNamespace(partition_keys=source.extraction_order, add_asset_metadata=lambda *_, **__: None)
    desk.asked()

    def work(entity_type: str) -> dict[str, int]:
        return {"rows": readers[entity_type in source.apart].extract(entity_type, staging, somewhere.run())}

    each_entity_type(cast(dg.AssetExecutionContext, context), work, order=source.extraction_order, apart=source.apart)
    assert somewhere.rows() == whole.rows
    asked = {route: calls for route, calls in desk.asked().items() if "oauth" not in route and "storage" not in route}
    guide = sum(calls for route, calls in asked.items() if "help_center" in route or "/hc/" in route)
    assert readers[True].usage.calls >= guide > 0
    assert readers[True].usage.calls + readers[False].usage.calls == source.usage.calls == sum(asked.values())


def test_what_is_apart_does_not_wait_for_its_turn() -> None:
    begun = threading.Event()
    context = Context("tickets", "contacts", "articles")

    def work(entity_type: str) -> dict[str, int]:
        if entity_type == "articles":
            begun.set()
        return {"met": begun.wait(10)}

    context.walk(work, "articles")
    assert list(context.told) == ["tickets", "contacts", "articles"]
    assert all(told["met"] and told["seconds"] < 10 for told in context.told.values())


def test_what_fails_apart_fails_the_stage() -> None:
    context = Context("tickets", "articles")

    def work(entity_type: str) -> dict[str, int]:
        if entity_type == "articles":
            raise ServiceDown("The help center does not answer.")
        return {}

    with pytest.raises(ServiceDown, match="help center"):
        context.walk(work, "articles")
    assert list(context.told) == ["tickets"]


def test_what_fails_apart_ends_the_others_and_is_what_is_told() -> None:
    stop = threading.Event()

    def work(entity_type: str) -> dict[str, int]:
        if entity_type == "articles":
            raise ServiceDown("The help center does not answer.")
        assert stop.wait(10)
        raise RunStopped("The run was stopped.")

    with pytest.raises(ServiceDown, match="help center"):
        Context("tickets", "articles").walk(work, "articles", stop=stop)
    with pytest.raises(RunStopped):  # as somebody told it to
        Context("tickets").walk(work, "articles", stop=stop)


def test_a_plan_lets_what_is_apart_begin_with_the_first_work() -> None:
    limits = {"tickets": Limit(10, 10.0), "guide": Limit(10, 10.0)}
    clock = Clock(limits, {("source", ""): Speed(0.01, 100.0)})
    tickets = clock.seconds(Work("source", "tickets", "tickets", 40, ("tickets",)))
    beside = [clock.seconds(Work("source", "articles", name, 20, ("guide",), apart=True)) for name in "ab"]
    assert tickets > 30
    assert beside[0] == 0
    assert clock.now == pytest.approx(tickets + beside[1])
    assert beside[1] < 10  # two of twenty take as long as one of forty
    after = clock.seconds(Work("source", "contacts", "users", 1))
    assert after == pytest.approx(0.01)
