"""Which connection gives way: the rule, on connections that are as a test says."""

from image_service.edge.places import Places
from tests.edge.fakes import Fake


def held(most: int, *connections: Fake) -> Places:
    places = Places(most)
    for each in connections:
        assert places.add(each)
    return places


def test_the_address_that_holds_most_gives_way() -> None:
    many = [Fake("a", idle_since=9, is_idle=True) for _ in range(3)]
    longest = Fake("b", idle_since=1, is_idle=True)
    places = held(4, *many, longest)
    assert places.add(Fake("c"))
    assert sum(len(each.ended) for each in many) == 1
    assert not longest.ended


def test_stalled_connections_close_before_idle_ones() -> None:
    idle = [Fake("a", idle_since=since, is_idle=True) for since in (1, 2)]
    stalled = [Fake("a", stalled_since=since) for since in (8.0, 7.0)]
    places = held(4, *idle, *stalled)
    for expected in (stalled[1], stalled[0], idle[0], idle[1]):
        assert places.add(Fake("a"))
        assert expected.ended == [expected]
    assert not places.add(Fake("a"))


def test_whoever_is_served_keeps_its_place() -> None:
    """A whole shop behind one address: all of its connections take their answers."""
    shop = [Fake("a") for _ in range(5)]
    idle = Fake("b", is_idle=True)
    places = held(6, *shop, idle)
    assert places.add(Fake("c"))  # an idle one of another address goes instead
    assert idle.ended
    assert not places.add(Fake("d"))
    assert not any(each.ended for each in shop)


def test_nobody_takes_a_place_from_one_who_holds_fewer() -> None:
    flood = [Fake("a") for _ in range(3)]
    quiet = Fake("b", is_idle=True)
    places = held(4, *flood, quiet)
    assert not places.add(Fake("a"))
    assert not quiet.ended
    assert places.add(Fake("c"))  # who has none may


def test_a_proxys_connection_counts_for_whom_it_speaks() -> None:
    behind = [Fake("proxy", is_idle=True) for _ in range(4)]
    places = held(4, *behind)
    for each, client in zip(behind, ("a", "a", "a", "b"), strict=True):
        places.move(each, client)
    assert places.add(Fake("c"))
    assert not behind[3].ended
    assert sum(len(each.ended) for each in behind) == 1


def test_those_that_leave_leave_nothing() -> None:
    connections = [Fake("a"), Fake("b")]
    places = held(2, *connections)
    for each in connections:
        places.remove(each)
        places.remove(each)
    assert not places.are_taken
    for number in range(2):
        assert places.add(Fake(str(number)))
    assert places.are_taken
