"""Runs one function in a process of its own, forked like a worker."""

import multiprocessing
import os
import signal
from collections.abc import Callable
from multiprocessing import connection
from typing import Any, TypeVar

from image_service.errors import ImageServiceError
from image_service.processes.preloading import CONTEXT
from image_service.processes.workers import LATER_SECONDS, live_with_the_service

Answer = TypeVar("Answer")


class ProcessFailed(ImageServiceError):
    """The work of a separate process failed; the message is that process's."""


def ask(target: Callable[..., Answer], *arguments: object, ended: Callable[[int], None], **options: object) -> Answer:
    """Run `target` in a process forked like a worker, and return its result; calls `ended` with the pid.

    Ctrl-C interrupts both. Raises `ProcessFailed`.
    """
    receiver, sender = multiprocessing.Pipe(duplex=False)
    process = CONTEXT.Process(target=_answer, args=(sender, target, arguments, options), daemon=True)
    with receiver:
        try:
            process.start()
            sender.close()
            answer: Answer
            answer, failure = receiver.recv()
        except EOFError:
            process.join()
            raise ProcessFailed(f"{target.__name__}: its process ended with status {process.exitcode}") from None
        except BaseException:
            if process.is_alive():
                os.kill(process.pid or 0, signal.SIGINT)
            raise
        finally:
            process.join(LATER_SECONDS)
            process.kill()
            ended(process.pid or 0)
    if failure is not None:
        raise ProcessFailed(failure)
    return answer


def _answer(
    sender: "connection.Connection[Any, Any]",
    target: Callable[..., object],
    arguments: tuple[object, ...],
    options: dict[str, object],
) -> None:
    """The body of that process. Sends back expected errors only; others leave a traceback in the log."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # the fork server ignores it
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    live_with_the_service()
    try:
        sender.send((target(*arguments, **options), None))
    except (ImageServiceError, OSError, ValueError) as error:
        sender.send((None, str(error) or type(error).__name__))
    except KeyboardInterrupt:
        pass  # the parent is gone
