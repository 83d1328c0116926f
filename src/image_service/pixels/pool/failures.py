"""Errors of failed jobs, for callers of the pool."""

from collections.abc import Iterator
from contextlib import contextmanager

from image_service.errors import ImageServiceError
from image_service.pixels.limits import Refused
from image_service.pixels.pool.answers import Failed, Nonsense
from image_service.pixels.pool.files import Unusable
from image_service.pixels.pool.process import Died


class ProbeFailed(ImageServiceError):
    """A check failed, but not because of the picture."""


class RenderFailed(ImageServiceError):
    """A render failed, perhaps not because of the picture."""


class RenderTooLong(RenderFailed):
    """The render was killed at its time limit."""


@contextmanager
def render_errors() -> Iterator[None]:
    """Convert what ends a render to `RenderFailed`."""
    try:
        yield
    except TimeoutError:
        raise RenderTooLong("took too long") from None
    except (Died, Nonsense, Failed, Refused, Unusable) as error:
        raise RenderFailed(str(error)) from error
