"""Which errors say that the database is away or fails, and which are bugs of ours."""

import asyncpg
from sqlalchemy.dialects.postgresql import asyncpg as asyncpg_dialect
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from image_service.errors import DatabaseUnavailable

DRIVER_FAULTS = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # the server has said that it ends, and the end has not come yet
    OSError,
    TimeoutError,
)
# SQLAlchemy wraps what asyncpg raises, but not while a connection is made or is being lost.
_FAULTS = (DBAPIError, PoolTimeoutError, asyncpg_dialect.AsyncAdapt_asyncpg_dbapi.Error, *DRIVER_FAULTS)
LOST = (asyncpg.ConnectionDoesNotExistError, asyncpg.InternalClientError)  # the connection was lost since its last use
_BUGS = (IntegrityError, DataError, ProgrammingError, asyncpg.DataError)  # the statement is wrong, not the database
# The classes of SQLSTATE (PostgreSQL's manual, appendix A) in which the same statement may go well another time: the
# connection, a standby, credentials, no such database, rollback, resources, locks, operator, system, internal error.
_PASSING = ("08", "25", "28", "3D", "40", "53", "55", "57", "58", "XX")


class database_faults:  # noqa: N801 - reads as the statement that it is
    """Turns what a lost or failing database raises into `DatabaseUnavailable`."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, _FAULTS) and not _is_bug(error):
            raise DatabaseUnavailable(f"{type(error).__name__}: {error}".splitlines()[0][:300]) from error


def _is_bug(error: BaseException) -> bool:
    cause = error.orig if isinstance(error, DBAPIError) else error
    sqlstate = getattr(cause, "sqlstate", None)  # None: it was not the server that spoke
    if sqlstate is not None:
        return not sqlstate.startswith(_PASSING)
    return isinstance(error, _BUGS)
