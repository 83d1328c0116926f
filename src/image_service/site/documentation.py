"""The page at /docs: Swagger UI out of the package, so that it works in a closed network too."""

from html import escape

from fastapi import FastAPI

from image_service.site.pages import Files, add_page, policy

PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" type="image/png" href="docs/static/swagger-ui/favicon-32x32.png">
<link rel="stylesheet" href="docs/static/swagger-ui/swagger-ui.css">
<script src="docs/static/swagger-ui/swagger-ui-bundle.js" defer></script>
<script src="docs/static/docs.js" defer></script>
</head>
<body>
<div id="swagger-ui" data-openapi="{openapi}"></div>
</body>
</html>
"""


def add_documentation(app: FastAPI) -> None:
    """GET /docs shows `app.openapi_url`. The app is created with `docs_url=None, redoc_url=None`."""
    page = PAGE.format(title=escape(app.title), openapi=escape((app.openapi_url or "").removeprefix("/")))
    add_page(app, "/docs", page, policy(images="'self' data:"))
    app.mount("/docs/static", Files())
