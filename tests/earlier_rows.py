"""Rows as an earlier release left them, of every table that there ever was: by reflection, since models know today's
schema alone.

A revision that brings a table or a column needs its values here, or `fill` fails.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, MetaData, Table, select

from tests.shop import png

TOKEN = "the-token-of-an-earlier-release"
PRODUCT = 7
INSTANCE = UUID(int=1)
COLORS = ("red", "green", "blue", "white")  # of the pictures: the last is on no product
PICTURES = [png(color) for color in COLORS]
KEYS = [UUID(int=(number << 120) + number) for number in range(1, len(COLORS) + 1)]
GONE = UUID(int=99)
THEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def image(number: int, product: int | None, position: int | None) -> dict[str, Any]:
    data = PICTURES[number]
    return {
        "store_id": 1,
        "product_id": product,
        "position": position,
        "key": KEYS[number],
        "slug": COLORS[number],
        "filename": f"{COLORS[number]}.png",
        "sha256": sha256(data).digest(),
        "bytes": len(data),
        "format": "png",
        "width": 8,
        "height": 6,
        "frames": 1,
        "thumbhash": "AAAAAAAA",
        "alt": {"es": "Taza"},
        "source_url": "http://example.com/cup.png",
        "variant_ids": [number, 2**62],
        "job_number": 1,
        "created_at": THEN,
        "updated_at": THEN,
    }


# Ids are left to the database, so that the next ones follow. Placed out of the order of their ids.
ROWS: dict[str, list[dict[str, Any]]] = {
    "stores": [{"name": "a shop", "language": "pt", "created_at": THEN}],
    "tokens": [
        {"store_id": 1, "sha256": sha256(secret.encode()).digest(), "scope": scope, "created_at": THEN}
        for secret, scope in ((TOKEN, "write"), (f"{TOKEN}-too", "read"))
    ],
    "images": [image(0, PRODUCT, 2), image(1, PRODUCT, 3), image(2, PRODUCT, 1), image(3, None, None)],
    "galleries": [
        {"store_id": 1, "product_id": PRODUCT, "revision": 5},
        {"store_id": 1, "product_id": 8, "revision": 2},  # it has been emptied
    ],
    "sources": [
        {
            "image_id": 1,
            "key": KEYS[0],
            "final_url": "http://example.com/cup.png",
            "etag": '"cup"',
            "modified": "Fri, 02 Jan 2026 03:04:05 GMT",
        }
    ],
    "products": [{"store_id": 1, "product_id": PRODUCT, "key": "SKU-7", "name": {"es": "Taza"}}],
    "trash": [{"key": GONE, "store_id": 1, "slug": "gone", "image_id": 5, "deleted_at": THEN}],
    "reservations": [{"key": UUID(int=6), "reserved_at": THEN}],
    "instance": [{"single": True, "id": INSTANCE, "mark": UUID(int=2), "next_mark": UUID(int=3)}],
    "idempotency_keys": [
        {
            "store_id": 1,
            "key": "a-request",
            "fingerprint": b"f",
            "owner": UUID(int=3),
            "leased_until": THEN,
            "status": 201,
            "headers": [["Location", "/products/7/images/1"]],
            "body": b"{}",
            "created_at": THEN,
        }
    ],
    "rate_buckets": [{"store_id": 1, "level": 1.5, "allowed": True, "at": THEN}],
    "signing_keys": [{"purpose": "upload_ticket", "key": b"k" * 32}],
    "upload_tickets": [
        {
            "id": UUID(int=4),
            "store_id": 1,
            "token_id": 1,
            "product_id": PRODUCT,
            "position": 2,
            "files": 3,
            "files_left": 2,
            "bytes": 3000,
            "bytes_left": 2000,
            "bytes_per_file": 1000,
            "tries_left": 29,
            "origins": ["https://shop.example.com"],
            "created_at": THEN,
            "expires_at": THEN,
        }
    ],
    "pgqueuer": [
        {
            "store_id": 1,
            "lane": "images.example.com",
            "priority": 0,
            "queue_manager_id": UUID(int=6),
            "created": THEN,
            "updated": THEN,
            "heartbeat": THEN,
            "execute_after": THEN,
            "status": "failed",
            "entrypoint": "create",
            "dedupe_key": UUID(int=5).hex,
            "payload": UUID(int=5).bytes,
            "headers": {},
            "attempts": 5,
            "slot": 1,
        }
    ],
    "pgqueuer_log": [
        {
            "created": THEN,
            "job_id": 1,
            "status": "failed",
            "priority": 0,
            "entrypoint": "create",
            "traceback": {},
            "aggregated": False,
        }
    ],
    "pgqueuer_statistics": [{"created": THEN, "count": 1, "priority": 0, "status": "failed", "entrypoint": "create"}],
    "store_jobs": [
        {
            "id": UUID(int=5),
            "store_id": 1,
            "number": 1,
            "kind": "create",
            "state": "failed",
            "asked": {},
            "result": {},
            "receipts": [],
            "tries": 5,
            "created_at": THEN,
            "started_at": THEN,
            "first_refused_at": THEN,
            "finished_at": THEN,
        }
    ],
    "webhooks": [
        {
            "id": UUID(int=7),
            "store_id": 1,
            "url": "https://shop.example.com/events",
            "events": ["image.created"],
            "secret": bytes(32),
            "previous_secret": bytes(32),
            "previous_until": THEN,
            "created_at": THEN,
            "failing_since": THEN,
            "switched_off_at": THEN,
            "switched_off_why": "failed",
        }
    ],
    "deliveries": [
        {
            "id": UUID(int=8),
            "webhook_id": UUID(int=7),
            "type": "image.created",
            "data": {},
            "state": "failed",
            "attempts": 3,
            "status": 500,
            "reason": "bad_status",
            "created_at": THEN,
            "attempted_at": THEN,
            "next_at": THEN,
        }
    ],
    "jobs": [
        {
            "job": job,
            "last_run": THEN,
            "failed": False,
            "last_success": THEN,
            "seconds": 1.5,
            "counts": {"strays": 1},
            "cursor": {"after": "of another release"},
        }
        for job in ("sweep", "verify")
    ],
}

Rows = dict[str, list[Mapping[str, Any]]]


def columns(connection: Connection) -> dict[str, set[str]]:
    """The columns of each table."""
    return _columns(_tables(connection))


def _columns(tables: list[Table]) -> dict[str, set[str]]:
    return {table.name: set(table.columns.keys()) for table in tables}


def fill(connection: Connection, known: Mapping[str, set[str]] | None = None) -> Rows:
    """Rows in every table that this schema has; all of them, as `read` gives them.

    With `known` only those tables and columns are written to.
    """
    tables = _tables(connection)
    known = known or _columns(tables)
    for table in tables:
        for row in ROWS[table.name] if table.name in known else ():
            connection.execute(table.insert().values({name: row[name] for name in row if name in known[table.name]}))
    rows = {name: found for name, found in _read(connection, tables).items() if name in known}
    for name, filled in rows.items():
        empty = {column for column in known[name] if all(row[column] is None for row in filled)}
        assert not empty, f"{name} has columns that nothing was put into"
    return rows


def read(connection: Connection) -> Rows:
    """Every row of every table but alembic's own."""
    return _read(connection, _tables(connection))


def _read(connection: Connection, tables: list[Table]) -> Rows:
    return {table.name: sorted(map(dict, connection.execute(select(table)).mappings()), key=_text) for table in tables}


def _text(row: Mapping[str, Any]) -> str:
    return json.dumps(row, default=str, sort_keys=True)


def _tables(connection: Connection) -> list[Table]:
    """Those that others refer to come first."""
    found = MetaData()
    found.reflect(connection)
    return [table for table in found.sorted_tables if table.name != "alembic_version"]


def keep_bytes(blobs: Path) -> None:
    """The blob store that goes with the rows."""
    files = {f"{key.hex[:2]}/{key.hex}": data for key, data in zip(KEYS, PICTURES, strict=True)}
    for name, data in {**files, "instance": str(INSTANCE).encode()}.items():
        path = blobs / "private" / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.write_bytes(data)
