"""What PostgreSQL is asked for beyond the contracts, and what goes wrong with addresses and servers."""

from __future__ import annotations

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from search.catalog.catalog import Catalog
from search.catalog.database import connect
from search.catalog.segment_queue import segment_id
from search.errors import BadInput, Unavailable
from search.types import Camera, Segment, StartSource
from tests.support.postgres_server import Postgres, running_postgres

LEASE = """
import sys
from search.catalog.catalog import Catalog
with Catalog(sys.argv[1]) as catalog:
    while (found := catalog.segments.lease(sys.argv[2], 600_000)) is not None:
        print(found.id)
"""


def segments(count: int) -> list[Segment]:
    return [
        Segment(segment_id("gate", f"{n:064x}"), "gate", f"/{n}.mp4", f"{n:064x}", 1, 1000 * n, StartSource.MTIME, 500)
        for n in range(count)
    ]


@pytest.mark.parametrize(
    "url",
    [
        "nonsense",
        "mysql://host/name",
        "postgresql://user:secret@host:port/name",
        "postgresql://user:se@secret@host/name",
        "postgresql://user:se@secret/cret@host/name",
        "",
    ],
)
def test_what_is_no_address_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(BadInput, match="catalog_url") as refused:
        connect(url)
    assert "secret" not in str(refused.value)


def test_a_server_that_is_away_is_told_without_the_password() -> None:
    with pytest.raises(Unavailable, match="cannot be opened") as refused:
        Catalog("postgresql://xunren:hidden@127.0.0.1:1/xunren").open()
    assert "hidden" not in str(refused.value)


def test_a_server_that_lost_its_power_is_noticed(postgres: Postgres) -> None:
    url = postgres.new()
    engine = connect(url)
    with engine.connect() as db:
        raw: Any = db.connection.driver_connection
        asked = raw.info.get_parameters()
    engine.dispose()
    assert {name: asked[name] for name in ("keepalives_idle", "keepalives_interval", "keepalives_count")} == {
        "keepalives_idle": "5",
        "keepalives_interval": "2",
        "keepalives_count": "3",
    }
    assert asked["tcp_user_timeout"] == "10000"
    postgres.drop(url)


def test_a_database_that_sorts_otherwise_is_refused(postgres: Postgres) -> None:
    url = postgres.new("-T", "template0", "-E", "SQL_ASCII")
    with pytest.raises(BadInput, match="sorts or writes") as refused:
        Catalog(url).open()
    assert "CREATE DATABASE" in refused.value.cure
    postgres.drop(url)


def test_what_postgres_cannot_keep_is_refused(postgres: Postgres) -> None:
    url = postgres.new()
    with Catalog(url) as catalog, pytest.raises(BadInput, match="cannot be kept"):
        catalog.cameras.add(Camera("gate", "North\x00gate"))
    postgres.drop(url)


def test_many_that_open_a_new_one_at_once_make_it_once(catalog_url: str) -> None:
    together = threading.Barrier(6)

    def opened(_: int) -> int:
        together.wait()
        with Catalog(catalog_url) as catalog:
            return len(catalog.cameras.all())

    with ThreadPoolExecutor(6) as threads:
        assert list(threads.map(opened, range(6))) == [0] * 6


def test_workers_in_many_processes_lease_each_segment_once(catalog_url: str) -> None:
    made = segments(120)
    with Catalog(catalog_url) as catalog:
        catalog.cameras.add(Camera("gate"))
        for one in made:
            catalog.segments.add(one)
    workers = [
        subprocess.Popen([sys.executable, "-c", LEASE, catalog_url, f"w{n}"], stdout=subprocess.PIPE, text=True)
        for n in range(4)
    ]
    leased = [worker.communicate(timeout=120)[0].split() for worker in workers]
    assert [worker.returncode for worker in workers] == [0] * 4
    assert sorted(id_ for ids in leased for id_ in ids) == sorted(one.id for one in made)


def test_it_goes_on_after_the_server_was_restarted(tmp_path: Path) -> None:
    with running_postgres() as server, Catalog(server.new()) as catalog:
        catalog.cameras.add(Camera("gate"))
        server.stop()
        with pytest.raises(Unavailable, match="does not answer"):
            catalog.cameras.all()
        server.start()
        assert [camera.id for camera in catalog.cameras.all()] == ["gate"]
