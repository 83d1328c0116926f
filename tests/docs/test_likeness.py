"""What the pages' tests take for the same, and what not."""

import pytest

from tests.docs.exchange import Answer, split
from tests.docs.likeness import Likeness

PRINTED = (
    '{"id": 101, "src": "http://a/x-00000000000000000000000000000000-640-0.jpg", "at": "2026-01-01T00:00:00+00:00"}'
)
FOUND = '{"id":5,"src":"http://a/x-0123456789abcdef0123456789abcdef-640-0.jpg","at":"2027-02-03T04:05:06+00:00"}'


@pytest.fixture
def likeness() -> Likeness:
    likeness = Likeness()
    likeness.json(PRINTED, FOUND)
    return likeness


def test_requests_name_what_was_found(likeness: Likeness) -> None:
    assert likeness.request('GET /images/101?since_id=101 {"image_id": 101} 1010') == (
        'GET /images/5?since_id=5 {"image_id": 5} 1010'
    )


@pytest.mark.parametrize(
    ("printed", "found"),
    [
        ('{"id": 101}', '{"id": 6}'),  # it was 5
        ('{"id": 102}', '{"id": 5}'),  # that is 101
        ('{"id": 101}', '{"id": "5"}'),
        ('{"a": 1, "b": 2}', '{"b": 2, "a": 1}'),
        ('{"a": 1}', '{"a": 1, "b": 2}'),
        ('{"position": 1}', '{"position": 2}'),
        ('{"position": 1}', '{"position": true}'),
        ("[1]", "[1, 2]"),
        ('[1, "…"]', "[1]"),
        ('{"a": "x…"}', '{"a": "y"}'),
        ('{"at": "2026-01-01T00:00:00+00:00"}', '{"at": "2026-01-01T00:00:00Z"}'),
    ],
)
def test_what_is_not_the_same(likeness: Likeness, printed: str, found: str) -> None:
    with pytest.raises(AssertionError):
        likeness.json(printed, found)


@pytest.mark.parametrize(("printed", "found"), [('[1, "…"]', "[1, 2, 3]"), ('{"a": "x…"}', '{"a": "xyz"}')])
def test_what_is_left_out(likeness: Likeness, printed: str, found: str) -> None:
    likeness.json(printed, found)


def test_a_block_is_a_request_and_its_answer() -> None:
    request, answer = split("GET / HTTP/1.1\nA: b\n\nHTTP/1.1 204 No Content\nC: d\n")
    assert request == "GET / HTTP/1.1\nA: b\n\n"
    assert Answer.parse(answer) == Answer(204, "No Content", [("c", "d")], b"")
