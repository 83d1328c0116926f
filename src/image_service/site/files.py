"""The static files of the service's pages. Their URLs contain a hash of all of them, so browsers cache them for ever.

The hash is a folder, so that files can refer to each other by relative URLs: `static/2f1e…/js/main.js`.
"""

import hashlib
import mimetypes
import re
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from image_service.site.prepared import Prepared

STATIC = Path(__file__).parent / "static"  # its README.md names the authors
VERSION = hashlib.sha256(
    b"".join(hashlib.sha256(each.read_bytes()).digest() for each in sorted(STATIC.rglob("*")) if each.is_file())
).hexdigest()[:12]
FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable"}
AGAIN = {"Cache-Control": "no-cache"}

_VERSIONED = re.compile(r"/([0-9a-f]{12})/(.+)", re.DOTALL)


def with_version(html: str) -> str:
    """The page with the version in its references to `…static/`."""
    return html.replace("static/", f"static/{VERSION}/")


class Files:
    """Serves the files in a folder of `STATIC`, with or without a version.

    Pages that were open during an upgrade request another version. They get the current file, which is not cached
    for ever.
    """

    def __init__(self, folder: str = "") -> None:
        root = STATIC / folder
        self._paths = {each.relative_to(root).as_posix(): each for each in root.rglob("*") if each.is_file()}
        self._prepared: dict[tuple[str, bool], Prepared] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self._answer(Request(scope))
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        if request.method not in ("GET", "HEAD"):
            raise HTTPException(405, headers={"Allow": "GET, HEAD"})
        path = request.scope["path"].removeprefix(request.scope["root_path"])
        versioned = _VERSIONED.fullmatch(path)
        version, name = versioned.groups() if versioned else ("", path.removeprefix("/"))
        found = self._paths.get(name)
        if found is None:
            raise HTTPException(404)
        key = name, version == VERSION
        if key not in self._prepared:
            media_type = mimetypes.guess_type(name)[0] or "text/plain"
            self._prepared[key] = Prepared(found.read_bytes(), media_type, FOR_EVER if version == VERSION else AGAIN)
        return await self._prepared[key].answer(request)
