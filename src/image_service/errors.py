"""The service's errors, in the domain's terms.

No error knows an HTTP status: `web/problems.py` maps errors to statuses, and each dialect has its own
messages. `str(error)` is for the log and may say more than the response.

    ImageServiceError
    ├── Unauthenticated           no credentials, wrong ones, or two that disagree
    ├── ReadOnlyToken             a read token on a write
    ├── ImageNotFound             no such image in this store
    │   └── ForeignImage          it exists, in another store (one seed answer tells them apart)
    ├── ProductNotFound           the gallery is empty
    ├── StoreNotFound             no such store, or it was removed meanwhile
    ├── TicketNotFound            no such upload ticket in this store
    ├── TicketForged              an upload URL that was not signed here
    ├── TicketOver                an upload ticket that is no longer valid: end
    ├── OriginRefused             a page's origin that the upload ticket does not name
    ├── MalformedBody             not JSON
    ├── OverfullForm              more or longer parts than any of our forms has
    ├── BodyTooLong               JSON with more bytes or values than the route accepts
    ├── UnsupportedBody           a media type that no route reads
    ├── InvalidField              a field of the request cannot be used: field, message
    │   ├── NothingGiven          no file, attachment, URL or image id
    │   │   └── Misnamed          or it is under a name that is not read
    │   ├── KeyRefused            an Idempotency-Key that is malformed, or that another request had
    │   └── ProductKeyTaken       another product of the store has this key
    ├── PictureRefused            the bytes are not a picture that we accept: field, refusal
    ├── Duplicate                 the product already has this picture: image_id
    ├── GalleryFull               one more image than a product may have
    ├── SyncStopped               an entry failed, and the list says to stop at errors: receipts
    ├── PreconditionFailed        If-Match names another revision
    ├── RangeNotSatisfiable       a byte range beyond the end: size
    ├── RepeatUnderWay            the first request with this Idempotency-Key is running: retry_after
    ├── RateLimited               too many calls of a store, or wrong credentials of an address: retry_after
    ├── Busy                      overloaded, try again: retry_after
    ├── VariantNotRendered        the original is intact, but rendering failed
    ├── BlobNotFound              nothing is stored under this name
    ├── StorageFull               no space left for bytes
    ├── StorageUnavailable        the blob store cannot be reached, or answers with errors
    ├── DatabaseUnavailable       the database cannot be reached, or did not say whether it committed
    └── InstanceMismatch          database and blob store belong to two installations

Five packages have further errors, which their callers handle or translate: `pixels` (`Refused`, `ProbeFailed`,
`RenderFailed`), `images` (`SweepRefused`, `SweepUnderWay`), `jobs` (`JobNotFound` and others), `postgres`
(`EmbeddedPostgresError` and its kinds), and `processes` (`WorkersFailed`, `ProcessFailed`).
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from image_service.refusals import Kind, Refusal

__all__ = ["Kind", "Refusal"]  # re-exported


class ImageServiceError(Exception):
    """The base class of all errors that the service raises on purpose."""


class Unauthenticated(ImageServiceError):
    pass


class NoCredentials(Unauthenticated):
    """No credentials at all, so not a guess."""


class ReadOnlyToken(ImageServiceError):
    pass


class ImageNotFound(ImageServiceError):
    pass


class NotAnId(ImageNotFound):
    """Ids are whole numbers from 1."""


class ForeignImage(ImageNotFound):
    pass


class ProductNotFound(ImageServiceError):
    pass


class StoreNotFound(ImageServiceError):
    pass


class TicketNotFound(ImageServiceError):
    pass


class TicketForged(ImageServiceError):
    pass


class TicketEnd(StrEnum):
    """Why an upload ticket is over."""

    EXPIRED = "expired"
    USED_UP = "used_up"  # no files or bytes are left
    TRIED_OUT = "tried_too_often"
    WITHDRAWN = "withdrawn"  # itself withdrawn, or its token or store removed


class TicketOver(ImageServiceError):
    def __init__(self, end: TicketEnd) -> None:
        super().__init__(f"upload ticket: {end}")
        self.end = end


class OriginRefused(ImageServiceError):
    pass


class MalformedBody(ImageServiceError):
    pass


class OverfullForm(ImageServiceError):
    pass


class BodyTooLong(ImageServiceError):
    pass


class UnsupportedBody(ImageServiceError):
    pass


class InvalidField(ImageServiceError):
    """`message` is for the client and never echoes its input; `others` are further fields' messages."""

    def __init__(self, field: str, message: str, others: Mapping[str, str] | None = None) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message
        self.messages = {field: message, **(others or {})}


class NothingGiven(InvalidField):
    def __init__(self, field: str = "src") -> None:
        super().__init__(field, "can't be blank")


class Misnamed(NothingGiven):
    """The picture seems to be under another name: `seen`, safe to show, or empty."""

    def __init__(self, field: str, seen: str) -> None:
        super().__init__(field)
        self.seen = seen or "another field"
        self.message = f"can't be blank: {self.seen} was sent, {field} is wanted"
        self.messages = {field: self.message}


class KeyRefused(InvalidField):
    def __init__(self, message: str) -> None:
        super().__init__("Idempotency-Key", message)


class ProductKeyTaken(InvalidField):
    def __init__(self) -> None:
        super().__init__("key", "is another product's")


class PictureRefused(ImageServiceError):
    """Each dialect has its own message for each refusal.

    `field` is the picture's source: `file`, `attachment` or `src`. `limit` is the limit that was exceeded, in bytes.
    `answer` is a more precise public reason, such as why a `src` was not fetched. `formats` are the accepted formats,
    and `kind` is the actual one, if known. `detail` is the true reason, for the log only. `reason` is
    the refusal for programs, more precise for a `src` that was not fetched. `status` is the host's status, and
    `retry_after` its wait in seconds.
    """

    def __init__(
        self,
        field: str,
        refusal: Refusal,
        *,
        limit: int = 0,
        answer: str = "",
        formats: Sequence[str] = (),
        kind: Kind | None = None,
        detail: str = "",
        reason: str = "",
        status: int | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(f"{field}: {refusal} {detail}".rstrip())
        self.field = field
        self.refusal = refusal
        self.limit = limit
        self.answer = answer
        self.formats = formats
        self.kind = kind
        self.reason = reason or str(refusal)
        self.status = status
        self.retry_after = retry_after


class Duplicate(ImageServiceError):
    def __init__(self, image_id: int) -> None:
        super().__init__(f"image {image_id} has the same bytes")
        self.image_id = image_id


class GalleryFull(ImageServiceError):
    def __init__(self, limit: int) -> None:
        super().__init__(f"a product may have {limit} images")
        self.limit = limit


class SyncStopped(ImageServiceError):
    """`receipts`: each entry's result; nothing has changed. `revision`: of the gallery."""

    def __init__(self, receipts: Sequence[Any], revision: int) -> None:
        super().__init__("an entry failed")
        self.receipts = receipts
        self.revision = revision


class PreconditionFailed(ImageServiceError):
    pass


class RangeNotSatisfiable(ImageServiceError):
    def __init__(self, size: int) -> None:
        super().__init__(f"the blob has {size} bytes")
        self.size = size


class RepeatUnderWay(ImageServiceError):
    retry_after = 2  # seconds: most requests take less than one


class RateLimited(ImageServiceError):
    def __init__(self, what: str, retry_after: int) -> None:
        super().__init__(what)
        self.retry_after = retry_after  # seconds


class Busy(ImageServiceError):
    def __init__(self, what: str, retry_after: int = 1) -> None:
        super().__init__(what)
        self.retry_after = retry_after  # seconds


class VariantNotRendered(ImageServiceError):
    pass


class BlobNotFound(ImageServiceError):
    pass


class StorageFull(ImageServiceError):
    pass


class StorageUnavailable(ImageServiceError):
    pass


class DatabaseUnavailable(ImageServiceError):
    pass


class InstanceMismatch(ImageServiceError):
    pass
