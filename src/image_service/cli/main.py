"""The entry point of `image-service`. Prints errors as one line on standard error, and exits with 1.

The commands are in `program` and `commands`.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress

from image_service.errors import ImageServiceError
from image_service.processes.preloading import preloading
from image_service.telemetry import metrics_files


def main() -> None:
    """Exits with 0, 1 for an expected error, 2 for an invalid command line, 130 after Ctrl-C."""
    try:
        metrics_files.counted_alone()
        serves = sys.argv[1:2] == ["serve"] and "--help" not in sys.argv
        with _several_processes() if serves else nullcontext():
            if serves or sys.argv[1:] == ["--version"]:
                from image_service.cli.program import app  # noqa: PLC0415 - for `serve`, parallel to the preloading
            else:
                from image_service.cli.commands import program  # noqa: PLC0415 - not needed above

                app = program(sys.argv[1] if len(sys.argv) > 1 else None)
            try:
                app(prog_name="image-service")
            finally:
                if sys.stdout is not None:
                    sys.stdout.flush()  # now, while an error can be reported
    except KeyboardInterrupt:
        sys.exit(130)
    except (ImageServiceError, OSError, ValueError) as error:
        _give_up(error)


@contextmanager
def _several_processes() -> Iterator[None]:
    with metrics_files.counted_together(), preloading():
        yield


def _give_up(error: Exception) -> None:
    if not isinstance(error, BrokenPipeError):  # the reader of our output has exited
        with suppress(OSError, AttributeError):
            sys.stderr.write(f"image-service: {str(error) or type(error).__name__}\n")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # unwritten output must not fail again at exit
    sys.exit(1)
