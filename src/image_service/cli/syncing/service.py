"""The HTTP client of a sync, for galleries and products, with retries."""

from collections.abc import AsyncIterator
from typing import Any

from image_service.cli.importing.service import Refused, Service, json_of, reason_of

PRODUCTS = 200  # per page, the maximum
FIELDS = "id,src,filename,alt,sha256,source_url"


class SyncService(Service):
    async def product_of(self, key: str, *, make: bool) -> int | None:
        """None if there is none and `make` is false. Raises as `Service.add` does."""
        if make:
            answer = await self.ask("POST", "/products", json={"key": key})
            found = json_of(answer)
        else:
            answer = await self.ask("GET", "/products", params={"key": key, "fields": "id"})
            page = json_of(answer)
            found = page[0] if isinstance(page, list) and page else None
            if answer.status_code == 200 and found is None:
                return None
        if answer.status_code not in {200, 201} or not isinstance(found, dict):
            raise Refused(reason_of(answer))
        return int(found["id"])

    async def sync(self, product_id: int, body: dict[str, Any], *, dry_run: bool) -> dict[str, Any]:
        """The service's response; if the sync stops, the problem with its receipts. Raises as `Service.add` does."""
        params = {"fields": FIELDS, **({"dry_run": "true"} if dry_run else {})}
        answer = await self.ask("PUT", f"/products/{product_id}/gallery", json=body, params=params)
        found = json_of(answer)
        if not isinstance(found, dict) or "receipts" not in found:
            raise Refused(reason_of(answer))
        return found

    async def products(self) -> AsyncIterator[dict[str, Any]]:
        """All products with pictures or a name, by id. Raises as `Service.add` does."""
        last, more = 0, True
        while more:
            params: dict[str, Any] = {"fields": "id,key,images_count", "per_page": PRODUCTS, "since_id": last}
            answer = await self.ask("GET", "/products", params=params)
            page = json_of(answer)
            if answer.status_code != 200 or not isinstance(page, list):
                raise Refused(reason_of(answer))
            for product in page:
                yield product
                last = product["id"]
            more = len(page) == PRODUCTS

    async def gallery_of(self, product_id: int) -> list[dict[str, Any]]:
        """Raises as `Service.add` does."""
        answer = await self.ask("GET", f"/products/{product_id}/gallery", params={"fields": FIELDS})
        found = json_of(answer)
        if answer.status_code != 200 or not isinstance(found, dict):
            raise Refused(reason_of(answer))
        images: list[dict[str, Any]] = found["images"]
        return images
