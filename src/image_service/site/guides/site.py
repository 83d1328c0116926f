"""GET /guides/: the documentation as pages."""

import json
import mimetypes
from collections.abc import Callable
from itertools import groupby

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from image_service.site.files import AGAIN, VERSION, Files
from image_service.site.guides.markdown import Guide, read
from image_service.site.guides.sources import INDEX, PICTURES, Sources, url_of
from image_service.site.once import Once
from image_service.site.pages import add_redirect, headers_of_page, policy
from image_service.site.rendered import rendered

GUIDES = "/guides"
SEARCH = "search.json"


def add_guides(app: Starlette, server: str, version: str, *, has_gallery: bool) -> None:
    guides = Guides(server, version, has_gallery=has_gallery)
    add_redirect(app, GUIDES, f"{GUIDES[1:]}/")
    app.mount(f"{GUIDES}/static", Files("docs"))
    app.add_route(f"{GUIDES}/{{path:path}}", guides.answer, methods=["GET"], include_in_schema=False)


class Guides:
    def __init__(self, server: str, version: str, *, has_gallery: bool) -> None:
        self._sources = Sources()
        self._frame = {"server": server, "version": version, "has_gallery": has_gallery}
        self._server = server
        self._kept: dict[str, Once] = {SEARCH: Once(self._index, "application/json", AGAIN)}
        for file, path in self._sources.files.items():
            if path.suffix in PICTURES:
                self._kept[file] = Once(path.read_bytes, mimetypes.guess_type(file)[0] or "", AGAIN)
            else:
                self._kept[url_of(file)] = Once(self._page(file), "text/html", headers_of_page(policy()))

    async def answer(self, request: Request) -> Response:
        kept = self._kept.get(request.path_params["path"])
        if kept is None:
            raise HTTPException(404)
        return await kept.answer(request)

    def _read(self, file: str) -> Guide:
        return read(self._sources.text(file), file, self._sources.files.keys(), self._server)

    def _page(self, file: str) -> Callable[[], bytes]:
        def made() -> bytes:
            guide, up = self._read(file), "../" * file.count("/")
            listed = self._sources.listed()
            places = [each.file for each in listed]
            at = places.index(file) if file in places else None
            return rendered(
                "guide.html",
                **self._frame,
                up=up,
                files=VERSION,
                guide=guide,
                groups=[(name, list(guides)) for name, guides in groupby(listed, lambda each: each.group)],
                file=file,
                parts=[each.heading for each in guide.sections if each.heading.level == 2],
                index=up or "./",
                is_index=file == INDEX,
                before=listed[at - 1] if at else None,
                after=listed[at + 1]
                if at is not None and at + 1 < len(listed)
                else listed[0]
                if file == INDEX
                else None,
                url_of=lambda each: up + url_of(each.file),
            ).encode()

        return made

    def _index(self) -> bytes:
        """Every section of the listed guides: title, URL, heading, text."""
        found = []
        for each in self._sources.listed():
            guide = self._read(each.file)
            for section in guide.sections:
                anchor = f"#{section.heading.id}" if section.heading.level > 1 else ""
                found.append([each.title, url_of(each.file) + anchor, section.heading.text, section.text])
        return json.dumps(found, ensure_ascii=False, separators=(",", ":")).encode()
