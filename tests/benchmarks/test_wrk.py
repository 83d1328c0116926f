"""What wrk says, read."""

import pytest

from benchmarks.wrk import Answered, parse

OUTPUT = """Running 2s test @ http://127.0.0.1:8000/
  1 threads and 16 connections
  4000 requests in 2.00s, 400.00MB read
Requests/sec:   2000.00
{"requests":4000,"seconds":2.000000,"bytes":4000000,"p50":1.250,"p99":7.500,"statuses":0,"broken":0}
"""
ANSWERED = Answered(requests=4000, seconds=2.0, bytes=4_000_000, p50=1.25, p99=7.5, statuses=0, broken=0)


def test_the_line_of_our_script_is_read() -> None:
    assert parse(OUTPUT) == ANSWERED


def test_what_has_no_such_line_is_an_error_with_what_was_said() -> None:
    with pytest.raises(ValueError, match="unable to connect"):
        parse("unable to connect to 127.0.0.1:1 Connection refused\n")


@pytest.mark.parametrize(
    ("answered", "bytes_each", "wrong"),
    [
        (ANSWERED, 1000, 0),
        (ANSWERED, 1015, 0),  # a header more or less
        (ANSWERED, 400, 4000),  # whole pictures where a 304 was to come
        (Answered(4000, 2.0, 4_000_000, 1, 7, statuses=3, broken=2), 1000, 5),
        (Answered(0, 2.0, 0, 0, 0, 0, 0), 1000, 1),
    ],
)
def test_answers_that_cannot_be_right_are_counted(answered: Answered, bytes_each: int, wrong: int) -> None:
    assert answered.wrong(bytes_each) == wrong
