"""The webhook events for the end of a job."""

from sqlalchemy import CTE, Select, select

from image_service.queue import outbox
from image_service.queue.outbox import Event

CREATE, FAILED = "create", "failed"  # a failed job of this kind is also an `IMAGE_FAILED` event


def announcing(ended: CTE) -> Select[*tuple[object, ...]]:
    """Writes the events for `ended`, whole rows of jobs that just ended. Selects these rows."""
    job = ended.c
    finished = outbox.json_of({"job_id": job.id, "kind": job.kind, "state": job.state})
    receipt = job.receipts[0]
    failed = outbox.json_of(
        {
            "job_id": job.id,
            "product_id": job.asked["product_id"],
            "src": job.asked["src"],
            "reason": receipt["reason"],
            "status": receipt["status"],
        }
    )
    return (
        select(*job)
        .add_cte(outbox.announcements(ended, Event.JOB_FINISHED, finished))
        .add_cte(outbox.announcements(ended, Event.IMAGE_FAILED, failed, (job.kind == CREATE) & (job.state == FAILED)))
    )
