"""Webhook messages: the body of an event, and its signature as in Standard Webhooks."""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from standardwebhooks import Webhook as Signing

from image_service.pixels.picture import Format
from image_service.pixels.sizes import SRC_SIZE
from image_service.queue.outbox import Event
from image_service.storage.names import variant_path

TEST = "webhook.test"  # sent on request; needs no subscription
SECRET_PREFIX = "whsec_"  # noqa: S105 - Standard Webhooks' prefix, not a secret


@dataclass(frozen=True)
class Urls:
    """The base URLs for URLs in a body, without a trailing slash."""

    api: str
    delivery: str


def data_of(event: str, data: Mapping[str, Any], store_id: int, urls: Urls) -> dict[str, Any]:
    """An event's data, from its outbox row."""
    match event:
        case Event.IMAGE_CREATED | Event.IMAGE_UPDATED | Event.IMAGE_DELETED:
            return _image(event, data, store_id, urls)
        case Event.GALLERY_CHANGED:
            product_id = data["product_id"]
            url = f"{urls.api}/products/{product_id}/images"
            return {"store_id": store_id, "product_id": product_id, "revision": data["revision"], "url": url}
        case Event.IMAGE_FAILED | Event.JOB_FINISHED:
            job_id = UUID(data["job_id"]).hex
            return {"store_id": store_id, **data, "job_id": job_id, "url": f"{urls.api}/jobs/{job_id}"}
    return {"store_id": store_id, **data}


def shown_of(event: str, data: Mapping[str, Any], store_id: int, urls: Urls) -> dict[str, Any]:
    """`data_of` for a list. Returns only the store's id if the data cannot be built."""
    try:
        return data_of(event, data, store_id, urls)
    except (KeyError, TypeError, ValueError):  # our bug; the attempt has logged it
        return {"store_id": store_id}


def _image(event: str, data: Mapping[str, Any], store_id: int, urls: Urls) -> dict[str, Any]:
    key, ending = UUID(data["key"]).hex, Format(data["format"]).rendered
    shown = {name: data[name] for name in ("id", "product_id", "position", "revision")}
    shown["src"] = f"{urls.delivery}/{variant_path(store_id, data['slug'], key, str(SRC_SIZE), ending)}"
    if event != Event.IMAGE_DELETED:
        shown["url"] = f"{urls.api}/images/{data['id']}"
    times = {name: _time(datetime.fromisoformat(data[name])) for name in ("created_at", "updated_at")}
    return {"store_id": store_id, **shown, **times}


def body_of(event: str, moment: datetime, data: Mapping[str, Any]) -> bytes:
    """The exact bytes that are signed."""
    return json.dumps({"type": event, "timestamp": _time(moment), "data": data}, separators=(",", ":")).encode()


def headers_of(id: UUID, body: bytes, secrets: Sequence[bytes], now: datetime) -> dict[str, str]:
    """Signs with each secret: during a rotation a receiver may have either."""
    signed = [Signing(secret).sign(id_of(id), now, body.decode()) for secret in secrets]
    return {
        "Content-Type": "application/json",
        "webhook-id": id_of(id),
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signed),
    }


def id_of(id: UUID) -> str:
    """A delivery's id as shown and sent."""
    return f"msg_{id.hex}"


def secret_shown(secret: bytes) -> str:
    return SECRET_PREFIX + base64.b64encode(secret).decode()


def _time(moment: datetime) -> str:
    """ISO 8601 with seconds and a numeric offset, as everywhere."""
    return moment.astimezone(UTC).isoformat(timespec="seconds")
