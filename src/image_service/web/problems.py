"""Maps domain errors to HTTP statuses in one table. Each dialect formats them itself (`Dialect.render`)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from image_service import errors
from image_service.edge.reasons import REASONS
from image_service.jobs.ends import JobBegun, JobNotFound
from image_service.jobs.webhooks.errors import (
    DeliveryNotFound,
    DeliveryUnderWay,
    TooManyWebhooks,
    WebhookNotFound,
    WebhookOff,
)
from image_service.web.bodies.validated import message_of

STATUSES: dict[type[Exception], int] = {
    errors.MalformedBody: 400,
    errors.OverfullForm: 400,
    errors.Unauthenticated: 401,
    errors.StoreNotFound: 401,  # removed while its token was in use
    errors.ReadOnlyToken: 403,
    errors.TicketForged: 403,
    errors.OriginRefused: 403,
    errors.ImageNotFound: 404,
    errors.ProductNotFound: 404,
    errors.TicketNotFound: 404,
    JobNotFound: 404,
    WebhookNotFound: 404,
    DeliveryNotFound: 404,
    errors.BlobNotFound: 404,
    JobBegun: 409,
    WebhookOff: 409,
    DeliveryUnderWay: 409,
    errors.RepeatUnderWay: 409,
    errors.Duplicate: 409,
    errors.TicketOver: 410,
    errors.PreconditionFailed: 412,
    errors.BodyTooLong: 413,
    errors.UnsupportedBody: 415,
    errors.RangeNotSatisfiable: 416,
    errors.InvalidField: 422,
    errors.PictureRefused: 422,
    errors.GalleryFull: 422,
    errors.SyncStopped: 422,
    TooManyWebhooks: 422,
    errors.RateLimited: 429,
    errors.Busy: 503,
    errors.VariantNotRendered: 503,
    errors.StorageUnavailable: 503,
    errors.DatabaseUnavailable: 503,
    errors.InstanceMismatch: 503,
    errors.StorageFull: 507,
}
_CAPITAL = re.compile(r"(?<!^)(?=[A-Z])")
UNAVAILABLE_RETRY_SECONDS = 5  # a restarting database is back in seconds


def reason_of(status: int) -> str:
    """A status's text."""
    return REASONS.get(status) or HTTPStatus(status).phrase


def megabytes(limit: int) -> str:
    """`10MB` for 10,485,759 bytes: a picture must be smaller. Small limits are exact to the byte."""
    if limit + 1 < 1024 * 1024:
        return f"{limit + 1} bytes"
    return f"{round((limit + 1) / (1024 * 1024), 1):g}MB"


@dataclass(frozen=True)
class Problem:
    """An error in HTTP terms; the request's dialect formats it."""

    status: int
    error: Exception
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def reason(self) -> str:
        """The status in words."""
        return reason_of(self.status)

    @property
    def code(self) -> str:
        """A stable name for programs, the same in every dialect: the header `Problem`."""
        match self.error:
            case errors.PictureRefused(refusal=refusal):
                return str(refusal)
            case errors.TicketOver(end=end):
                return f"ticket_{end}"
            case errors.ForeignImage() | errors.NotAnId():
                return "image_not_found"  # as if it did not exist
            case errors.Misnamed():
                return "nothing_given"
            case errors.NoCredentials():
                return "unauthenticated"
            case errors.ImageServiceError():
                return _CAPITAL.sub("_", type(self.error).__name__).lower()
            case _:
                return self.reason.lower().replace(" ", "_").replace("-", "_")


def problem_of(error: Exception) -> Problem:
    """The problem for any exception of a route; an unexpected one is a 500."""
    if isinstance(error, RequestValidationError):
        return problem_of(_invalid(error))
    if isinstance(error, HTTPException):
        return Problem(error.status_code, error, error.headers or {})
    if isinstance(error, errors.PictureRefused) and error.refusal is errors.Refusal.TOO_HEAVY:
        return Problem(413, error)
    status = next((STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES), 500)
    return Problem(status, error, _headers(error))


def _headers(error: Exception) -> dict[str, str]:
    match error:
        case errors.Busy() | errors.RepeatUnderWay() | errors.RateLimited():
            return {"Retry-After": str(error.retry_after)}
        case errors.VariantNotRendered() | errors.StorageUnavailable() | errors.DatabaseUnavailable():
            return {"Retry-After": str(UNAVAILABLE_RETRY_SECONDS)}
        case errors.RangeNotSatisfiable():
            return {"Content-Range": f"bytes */{error.size}"}
        case _:
            return {}


def _invalid(error: RequestValidationError) -> errors.ImageServiceError:
    """Convert FastAPI's validation error: an invalid path means not found; otherwise name the field.

    FastAPI's texts are not used: they repeat the client's input.
    """
    first = error.errors()[0]
    where, *names = first["loc"]
    if where == "path":
        return errors.NotAnId("not a decimal id")
    return errors.InvalidField(str(names[0]) if names else str(where), message_of(first))
