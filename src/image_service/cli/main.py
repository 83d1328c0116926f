"""Where the program `image-service` begins: what goes wrong is one line on standard error, and exit 1.

The commands themselves are in `program` and `commands`. The imports of the latter take a second.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress

from image_service.errors import ImageServiceError
from image_service.processes import supervisor as workers
from image_service.telemetry import metrics_files


def main() -> None:
    """Exits 0, 1 for what was foreseen, 2 for a command line that cannot be read, 130 after Ctrl-C."""
    try:
        metrics_files.counted_alone()
        serves = sys.argv[1:2] == ["serve"] and "--help" not in sys.argv
        with _several_processes() if serves else nullcontext():
            if serves or sys.argv[1:] == ["--version"]:
                from image_service.cli.program import app  # noqa: PLC0415 - for `serve`, side by side with what was begun
            else:
                from image_service.cli.commands import app  # noqa: PLC0415 - of which those two need none

            try:
                app(prog_name="image-service")
            finally:
                if sys.stdout is not None:
                    sys.stdout.flush()  # now, while a failure can still be told
    except KeyboardInterrupt:
        sys.exit(130)
    except (ImageServiceError, OSError, ValueError) as error:
        _give_up(error)


@contextmanager
def _several_processes() -> Iterator[None]:
    with metrics_files.counted_together(), workers.preloading():
        yield


def _give_up(error: Exception) -> None:
    if not isinstance(error, BrokenPipeError):  # the reader of our output has seen enough
        with suppress(OSError, AttributeError):
            sys.stderr.write(f"image-service: {str(error) or type(error).__name__}\n")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what could not be written must not fail again on the way out
    sys.exit(1)
