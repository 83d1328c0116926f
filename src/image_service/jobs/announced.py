"""What the end of a job tells the store's webhooks."""

from typing import Any

from sqlalchemy import CTE, Select, func, select, text

from image_service.queue import outbox
from image_service.queue.outbox import Event

CREATE, FAILED = "create", "failed"  # the kind whose failure is an image that will not be there


def announcing(ended: CTE) -> Select[*tuple[object, ...]]:
    """`ended` returns whole rows of jobs that have ended just now; these are returned."""
    job = ended.c
    finished = _object(job_id=job.id, kind=job.kind, state=job.state)
    receipt = job.receipts[0]
    failed = _object(
        job_id=job.id,
        product_id=job.asked["product_id"],
        src=job.asked["src"],
        reason=receipt["reason"],
        status=receipt["status"],
    )
    return (
        select(*job)
        .add_cte(outbox.announcements(ended, Event.JOB_FINISHED, finished))
        .add_cte(outbox.announcements(ended, Event.IMAGE_FAILED, failed, (job.kind == CREATE) & (job.state == FAILED)))
    )


def _object(**values: Any) -> Any:
    return func.jsonb_build_object(*(part for name, value in values.items() for part in (text(f"'{name}'"), value)))
