"""The command that serves a source and an Intercom workspace: `python -m migration_pipeline.sandbox`.

It only builds stand-ins from the registry, writes the two files others wait for, and serves. A stand-in's module has
`build(dir, *, tickets, seed, plan, limits, latency_ms, base_url) -> Service` and `config(...) -> dict`, its block of
migration.yaml. A source's build also takes `further`, the URLs of the hosts beside `base_url` at which it answers, and
its module has `agent_names(tickets=..., seed=...)`, which the target's build takes as `agents`.
"""

from __future__ import annotations

import importlib
import logging
import os
import signal
import socket
from pathlib import Path
from typing import Any

import click
import orjson
import uvloop
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap

from migration_pipeline.sandbox.recorder import Recorder
from migration_pipeline.sandbox.service import Service
from migration_pipeline.sandbox.serving import Running, listen, url_of
from migration_pipeline.sandbox.switches import SwitchError, read_order

MOST_BRANDS = 5
SOURCES = {"zendesk": "migration_pipeline.sandbox.zendesk"}
TARGET = "migration_pipeline.sandbox.intercom"

YAML_NOTE = "Written by the sandbox; the credentials below are its own and open nothing else."


@click.command()
@click.option("--source", "kind", type=click.Choice([*SOURCES, "none"]), default="zendesk", show_default=True)
@click.option("--tickets", type=click.IntRange(min=0), default=500, show_default=True, help="Tickets in the source.")
@click.option("--seed", type=int, default=1, show_default=True, help="Seed of everything that is generated.")
@click.option("--dir", "folder", type=click.Path(file_okay=False, path_type=Path), required=True, help="State folder.")
@click.option(
    "--brands",
    type=click.IntRange(1, MOST_BRANDS),
    default=1,
    show_default=True,
    help="Brands of the source that have a help center, each on a port of its own.",
)
@click.option(
    "--agents",
    type=click.Choice(["all", "partly"]),
    default="all",
    show_default=True,
    help="Whose agents have a teammate: nearly all, by address; or some by address, some by name alone, some not.",
)
@click.option(
    "--plan", default=None, help="Plan name; one starting with intercom- is the target's, others the source's."
)
@click.option(
    "--limits", type=click.Choice(["on", "off"]), default="off", show_default=True, help="Enforce rate limits."
)
@click.option("--latency-ms", type=click.IntRange(min=0), default=0, show_default=True, help="Delay of each answer.")
@click.option(
    "--switch",
    "orders",
    multiple=True,
    metavar="NAME=VALUE",
    help="Set a switch before serving; source.NAME or target.NAME where both sides have it. May be given again.",
)
@click.option("--record", type=click.Path(dir_okay=False, path_type=Path), help="Record the target's exchanges here.")
def main(
    kind: str,
    tickets: int,
    seed: int,
    folder: Path,
    brands: int,
    agents: str,
    plan: str | None,
    limits: str,
    latency_ms: int,
    orders: tuple[str, ...],
    record: Path | None,
) -> None:
    """Serve a source help desk and an Intercom workspace on loopback until SIGTERM."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s: %(message)s")
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    ports = _earlier_ports(folder)
    # Who waits for this file must not take an earlier run's for this one's.
    (folder / "sandbox.json").unlink(missing_ok=True)
    modules = {"target": TARGET} if kind == "none" else {"source": SOURCES[kind], "target": TARGET}
    own: dict[str, dict[str, Any]] = {"source": {}, "target": {}}
    if agents == "partly" and "source" in modules:
        names = importlib.import_module(modules["source"]).agent_names(tickets=tickets, seed=seed)
        own["target"]["agents"] = names
    services: dict[str, dict[str, Any]] = {}
    blocks = {}
    served: list[tuple[Service, list[socket.socket]]] = []
    for side, name in modules.items():
        module = importlib.import_module(name)
        wanted = ports.get(side, [])[: _hosts(side, brands)]
        socks = [listen(port) for port in (*wanted, *[0] * (_hosts(side, brands) - len(wanted)))]
        url, *further = map(url_of, socks)
        if side == "source":
            own[side]["further"] = further
        try:
            service: Service = module.build(
                folder,
                tickets=tickets,
                seed=seed,
                plan=plan if plan and plan.startswith("intercom-") == (side == "target") else None,
                limits=limits == "on",
                latency_ms=latency_ms,
                base_url=url,
                **own[side],
            )
        except ValueError as error:
            raise click.UsageError(str(error)) from error
        if side == "target" and record:
            service.recorder = Recorder(record)
        blocks[side] = module.config(base_url=url, seed=seed)
        services[side] = {"kind": service.kind, "url": url, "control": service.control_url}
        if further:
            services[side]["further"] = further
        served.append((service, socks))
    sides = dict(zip(modules, (service for service, _ in served), strict=True))
    try:
        for side, changes in _ordered(orders, sides).items():
            sides[side].turn(changes)
    except SwitchError as error:
        raise click.UsageError(str(error)) from error
    config = folder / "migration.yaml"
    _write_config(config, f"sandbox-{kind}-{seed}", blocks)
    running = Running(served)
    for number in (signal.SIGTERM, signal.SIGINT):
        # Until the loop takes signals over: whoever waits for the file may send one at once.
        signal.signal(number, lambda *_: running.stop())
    # Last, because others take this file as the sign that both services answer: the sockets listen already.
    _write(folder / "sandbox.json", orjson.dumps({**services, "config": str(config)}))
    shown = " and ".join(f"{told['kind']} at {told['url']}" for told in services.values())
    where = "" if folder == Path.cwd() else f" --config {config}"
    click.echo(f"Serving {shown} until Ctrl-C; the settings are in {config}.")
    if "source" in services:
        click.echo(f"Next, in another terminal: `migrate check{where}`.")
    uvloop.run(_serve(running))


async def _serve(running: Running) -> None:
    await running.run(signals=True)


def _ordered(orders: tuple[str, ...], sides: dict[str, Service]) -> dict[str, dict[str, Any]]:
    """The switches to set on each side. Raises SwitchError for a name that no side knows, or that both do."""
    changes: dict[str, dict[str, Any]] = {side: {} for side in sides}
    for order in orders:
        full, value = read_order(order)
        side, dot, name = full.rpartition(".")
        among = [s for s in sides if (s == side or not dot) and name in sides[s].switches]
        if len(among) != 1:
            known = " and ".join(f"{s}.{name}" for s in among)
            raise SwitchError(f"{full} could be {known}: say which" if among else f"no switch is called {full!r}")
        changes[among[0]][name] = value
    return changes


def _hosts(side: str, brands: int) -> int:
    """How many ports a side has: each help center of the source is a host of its own."""
    return brands if side == "source" else 1


def _earlier_ports(folder: Path) -> dict[str, list[int]]:
    """The ports of an earlier run in this folder, so that a migration.yaml stays true over a restart."""
    try:
        earlier = orjson.loads((folder / "sandbox.json").read_bytes())
        return {
            side: [int(url.rsplit(":", 1)[1]) for url in (earlier[side]["url"], *earlier[side].get("further", ()))]
            for side in ("source", "target")
            if side in earlier
        }
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _write_config(path: Path, name: str, blocks: dict[str, dict[str, Any]]) -> None:
    """Write migration.yaml unless somebody wrote one of their own, which is left alone."""
    if path.exists() and YAML_NOTE not in path.read_text():
        return
    document = CommentedMap({"name": name, "data_dir": "data", **blocks})
    document.yaml_set_start_comment(YAML_NOTE)
    aside = path.with_suffix(f".{os.getpid()}.tmp")
    with aside.open("w") as file:
        YAML().dump(document, file)
    aside.replace(path)


def _write(path: Path, content: bytes) -> None:
    aside = path.with_suffix(f".{os.getpid()}.tmp")
    aside.write_bytes(content)
    aside.replace(path)


if __name__ == "__main__":
    main()
