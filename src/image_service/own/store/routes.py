"""The token's store: for programs that need its id, and for pages that show its name."""

from starlette.responses import JSONResponse, Response

from image_service.errors import StoreNotFound
from image_service.own.store import described
from image_service.stores import registry
from image_service.web.access.callers import Reader
from image_service.web.images.view import time_of
from image_service.web.openapi.routes import Router
from image_service.web.parts import PartsOf

router = Router(tags=["Store"])


@router.get("/store", **described.GET_STORE)
async def get_store(caller: Reader, parts: PartsOf) -> Response:
    """The store that the token belongs to. Its id is in the versioned prefixes, and the user name in HTTP Basic."""
    store = await registry.find(parts.database, caller.store_id)
    if store is None:
        raise StoreNotFound
    return JSONResponse(
        {"id": store.id, "name": store.name, "scope": str(caller.scope), "created_at": time_of(store.created_at)}
    )
