"""What is done later for a store that may ask about it: the handlers of the queue, and the states of jobs.

A route makes a job with `store_jobs.add`, in one statement with its row of the queue, and answers with its id. To let
another kind of request be answered later:

1. `web/jobs/asynchronous.py` has what its route needs: `wanted(request)` reads `Prefer: respond-async`, `make(...)`
   makes the job, once for each `Idempotency-Key`, and `accepted(...)` answers 202.
2. A module here does the work: `async def run(job: StoreJob) -> None`. It calls the domain as the route would, and
   hands `store_jobs.finishing(job, ...)` to the change, whose transaction then ends the job too: a job that has been
   ended meanwhile rolls it back, so that its effect comes once. It raises `Failed` with its receipts when nothing will
   come of it, and `Again` for another try.
3. A line in `handlers_of` (`work.py`): `KIND: store_jobs.handler(database, run)`.
"""
