"""Jobs: work that a store asks for and can query later. Contains the queue's handlers and the states of jobs.

A route creates a job and its queue row in one statement with `store_jobs.add`, and responds with the job's id. To
make another kind of request asynchronous:

1. In the route, use `web/jobs/asynchronous.py`: `wanted(request)` reads `Prefer: respond-async`, `make(...)` creates
   the job, once for each `Idempotency-Key`, and `accepted(...)` responds with 202.
2. Add a module here with `async def run(job: StoreJob) -> None`. It calls the domain as the route would, and calls
   `store_jobs.finish(transaction, job, ...)` in the change's transaction. If the job has already ended, this rolls
   the transaction back, so the effect happens once. `run` raises `Failed` with its receipts if the job cannot
   succeed, and `Again` for a retry.
3. Add a line to `handlers_of` (`work.py`): `KIND: store_jobs.handler(database, run)`.
"""
