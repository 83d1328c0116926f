"""The dialect of jobs, which `app` mounts."""

from image_service.own.jobs import described, routes
from image_service.web.dialect import Dialect

DIALECT = Dialect(
    name="jobs",
    prefixes=("/jobs/",),
    paths=frozenset({"/jobs"}),
    router=routes.router,
    render=described.render,
    tags=(
        {
            "name": "Jobs",
            "description": "Requests with `Prefer: respond-async`: the work is done after the answer.",
        },
    ),
)
