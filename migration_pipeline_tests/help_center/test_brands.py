"""Help centers of three brands arrive side by side: each below its brand, and links lead from one to the other."""

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from migration_pipeline_tests import forks
from migration_pipeline_tests.help_center.runs import Guide, Intercom, links, run, texts, verified


@pytest.mark.behaviour("S03", "S31", "S57", "B02")
def test_help_centers_of_three_brands_move_side_by_side(tmp_path: Path) -> None:
    place = forks.sandbox(tmp_path, "--tickets", 20, "--seed", 4, "--brands", 3, search_lag_s=0.1)
    try:
        guide = Guide(place.config)
        brands = guide.session.get(f"{guide.url}/api/v2/brands", timeout=30).json()["brands"]
        done, target = run(place.config, "full"), Intercom(place.config)
        hosts = {urlsplit(brand["brand_url"]).netloc for brand in brands if brand["has_help_center"]}
        assert len(hosts) == 3
        failed = [row for row in done.rows if row["outcome"] == "failed"]
        assert not failed, failed
        collections = done.ids("collections")
        tops = {target.get(f"/help_center/collections/{collections[top]}")["name"]
                for top in collections if top.startswith("brand:")}  # fmt: skip
        assert tops == {brand["name"] for brand in brands if brand["has_help_center"]}
        old = {row["source_id"]: urlsplit(row["source_url"]).netloc for row in done.rows
               if row["entity_type"] == "articles" and row["target_id"]}  # fmt: skip
        assert set(old.values()) == hosts
        arrived, across = done.ids(), 0
        origin = {target_id: old[source_id] for source_id, target_id in arrived.items()}
        for source_id, target_id in arrived.items():
            for one in texts(target.get(f"/articles/{target_id}")).values():
                for url in links(one["body"]):
                    if urlsplit(url).netloc in hosts and re.search(r"/hc/(?:[^/]+/)?articles/\d", url):
                        assert "link_kept" in done.losses[source_id], url
                    new = re.search(r"/articles/(\d+)", url)
                    if new and urlsplit(url).netloc not in hosts and new[1] in origin:
                        across += origin[new[1]] != old[source_id]
        assert across > 0
        told = (done.folder / "nginx.conf").read_text()
        assert all(re.escape(host) in told for host in hosts)
        assert not verified(place.config, "full")
        again = run(place.config, "again")
        assert (again.writes, sum(again.planned.values())) == (0, 0)
    finally:
        place.end()
