"""Work that outlives its request: written in the change's own transaction, done later, at least once.

Another room adds a kind of work so:

1. A row, in the transaction of the change that it belongs to: `enqueue.add(transaction, Work(...))` is one statement.
   To save that round trip, hang the same row on a statement that you send anyway:
   `statement.add_cte(enqueue.rows_of(select(...)).cte("work"))`, whose columns are named as the table's. It is rolled
   back with the change.
2. A handler, `async def handler(task: Task) -> None`, beside the others in `jobs/`, and a line in `handlers_of`
   (`work.py`) that names its kind. It may run twice (a worker that is killed ends nothing): let the transaction that
   has its effect also see to it that there is only one, as `jobs.store_jobs.finish` does.
3. It returns when the work has ended, well or badly; raises `Again` to be called again after a pause; and raises what
   `errors.py` has of database and blob store as it comes, which is tried again. Any other error is a bug: after
   `runner.BUG_TRIES` of them the row is held for `image-service jobs`.

The `lane` is what work is polite to, a host for instance: of each store, `LANE_PLACES` in a lane run at once, in all
workers together. Stores take turns (`turns.py`).
"""
