"""Which errors mean that the database is down or fails, and which are our bugs."""

import asyncpg
from sqlalchemy.dialects.postgresql import asyncpg as asyncpg_dialect
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from image_service.errors import DatabaseUnavailable

DRIVER_FAULTS = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # the server has announced a disconnect that is to come
    OSError,
    TimeoutError,
)
# SQLAlchemy wraps asyncpg's errors, except while a connection is opened or lost.
_FAULTS = (DBAPIError, PoolTimeoutError, asyncpg_dialect.AsyncAdapt_asyncpg_dbapi.Error, *DRIVER_FAULTS)
LOST = (asyncpg.ConnectionDoesNotExistError, asyncpg.InternalClientError)  # the connection was lost since its last use
_BUGS = (IntegrityError, DataError, ProgrammingError, asyncpg.DataError)  # the statement is wrong, not the database
# SQLSTATE classes (PostgreSQL's manual, appendix A) in which a retry of the same statement may succeed: the
# connection, a standby, credentials, no such database, rollback, resources, locks, operator, system, internal error.
_PASSING = ("08", "25", "28", "3D", "40", "53", "55", "57", "58", "XX")


class database_faults:  # noqa: N801 - reads as the statement that it is
    """Turns errors of a lost or failing database into `DatabaseUnavailable`."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, _FAULTS) and not _is_bug(error):
            cause = _cause(error)
            said = str(cause) or ("no answer in time" if isinstance(cause, TimeoutError) else "")
            raise DatabaseUnavailable(f"{type(cause).__name__}: {said}".splitlines()[0][:300]) from error


def _cause(error: BaseException) -> BaseException:
    """What SQLAlchemy has wrapped."""
    inner = (error.orig or error) if isinstance(error, DBAPIError) else error
    is_adapted = isinstance(inner, asyncpg_dialect.AsyncAdapt_asyncpg_dbapi.Error)
    return (inner.__cause__ or inner) if is_adapted else inner


def _is_bug(error: BaseException) -> bool:
    cause = error.orig if isinstance(error, DBAPIError) else error
    sqlstate = getattr(cause, "sqlstate", None)  # None: not from the server
    if sqlstate is not None:
        return not sqlstate.startswith(_PASSING)
    return isinstance(error, _BUGS)
