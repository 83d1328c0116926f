"""The work queue. A row is written in the transaction of its change, and runs later, at least once.

To add a kind of work:

1. Insert a row in the transaction of the change: `enqueue.add(transaction, Work(...))` is one statement.
   To save that round trip, add the row as a CTE to a statement that you send anyway:
   `statement.add_cte(enqueue.rows_of(select(...)).cte("work"))`. Its columns are named as the table's. A rollback of
   the change also removes the row.
2. Write a handler, `async def handler(task: Task) -> None`, in `jobs/`, and add a line with its kind to `handlers_of`
   (`work.py`). A handler may run twice, for instance when a worker is killed: the transaction with its effect must
   also ensure that the effect happens once, as `jobs.store_jobs.finish` does.
3. The handler returns when the work has succeeded or failed for good. It raises `Again` to be called again after a
   pause. It does not catch the database and blob store errors of `errors.py`: these are retried. Any other error is a
   bug: after `runner.BUG_TRIES` of them the row is held for `image-service jobs`.

A `lane` limits concurrency, for instance per host: each store runs at most `LANE_PLACES` rows of a lane at once,
across all workers. Stores take turns (`turns.py`).
"""
