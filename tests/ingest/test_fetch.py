"""Where the fetcher goes, and does not, against a server of our own; names resolve as each test says."""

import asyncio
import gc
import sys
from ipaddress import ip_network
from pathlib import Path

import anyio
import pytest

from image_service.errors import Busy
from image_service.ingest.fetch import Fetcher, FetchFailed, FetchPolicy, FetchReason
from image_service.ingest.fetch_policy import COULD_NOT_BE_FETCHED
from tests.ingest.fetching import PICTURE, Names, failure, fetch, policy
from tests.ingest.server import ScriptedServer, answer, redirect


async def test_the_body_arrives_as_it_was_sent(server: ScriptedServer) -> None:
    server.pages["/a.jpg?w=1"] = answer(200, PICTURE, Content_Type="Image/JPEG; q=1")
    url = server.url("/a.jpg?w=1", host="cdn.example")
    names = Names(cdn=[["127.0.0.1"]])
    assert await fetch(url + "#top", policy(server), names) == (url, "image/jpeg", PICTURE)
    (asked,) = server.asked
    assert asked.headers["host"] == f"cdn.example:{server.port}"
    assert asked.headers["accept-encoding"] == "identity"
    assert asked.headers["user-agent"].startswith("image-service/")
    assert not {"cookie", "authorization", "referer"} & asked.headers.keys()


async def test_private_hosts_when_they_are_allowed(server: ScriptedServer) -> None:
    server.pages["/"] = answer(200, PICTURE)
    names = Names(localhost=[["127.0.0.1"]])
    allowed = FetchPolicy(allow_private=True)
    assert (await fetch(server.url("/", host="localhost"), allowed, names))[2] == PICTURE


@pytest.mark.parametrize(
    "addresses",
    [
        ["10.0.0.1"],
        ["127.0.0.1", "10.0.0.1"],  # beside a good one
        ["10.0.0.1", "127.0.0.1"],
        ["127.0.0.1", "::1"],
        ["::ffff:127.0.0.1"],
        ["::127.0.0.1"],
        ["64:ff9b::7f00:1"],
        ["2002:7f00:1::"],
        ["fe80::1%lo"],
        ["169.254.169.254"],
        ["127.0.0.2"],
        ["0.0.0.0"],  # noqa: S104 - an answer of DNS, nothing is bound
    ],
)
async def test_names_of_private_addresses(server: ScriptedServer, addresses: list[str]) -> None:
    names = Names(evil=[addresses])
    refused = await failure(server.url("/", host="evil.example"), policy(server), names)
    assert refused == (FetchReason.BLOCKED_ADDRESS, COULD_NOT_BE_FETCHED)
    assert server.connections == 0


async def test_the_checked_address_is_the_connected_one(server: ScriptedServer) -> None:
    """Rebinding: a second lookup would have given another address; there is none."""
    server.pages["/"] = answer(200, PICTURE)
    names = Names(rebind=[["127.0.0.1"], ["10.0.0.1"]])
    assert (await fetch(server.url("/", host="rebind.example"), policy(server), names))[2] == PICTURE
    assert names.asked == ["rebind.example"]


async def test_a_dead_address_beside_a_live_one(server: ScriptedServer) -> None:
    server.pages["/"] = answer(200, PICTURE)
    allowed = policy(server, allow_networks=(ip_network("127.0.0.0/8"),))
    names = Names(two=[["127.0.0.9", "127.0.0.1"]])  # nothing listens on the first
    assert (await fetch(server.url("/", host="two.example"), allowed, names))[2] == PICTURE


async def test_redirects_start_from_nothing(server: ScriptedServer) -> None:
    statuses = (301, 303, 308)
    for hop, status in enumerate(statuses):
        server.pages[f"/{hop}"] = redirect(f"../{hop + 1}#part", status)
    server.pages["/3"] = answer(200, PICTURE)
    names = Names(cdn=[["127.0.0.1"]])
    final_url, _, body = await fetch(server.url("/0", host="cdn.example"), policy(server), names)
    assert (final_url, body) == (server.url("/3", host="cdn.example"), PICTURE)
    assert server.connections == len(names.asked) == 4  # each hop looked up and connected anew
    assert not any("cookie" in asked.headers or "referer" in asked.headers for asked in server.asked)


async def test_redirects_end(server: ScriptedServer) -> None:
    server.pages["/"] = redirect("/")
    assert await failure(server.url("/"), policy(server)) == (
        FetchReason.TOO_MANY_REDIRECTS,
        "redirects too often",
    )
    assert len(server.asked) == 11
    server.asked.clear()
    assert (await failure(server.url("/"), policy(server, max_redirects=0)))[0] is FetchReason.TOO_MANY_REDIRECTS
    assert len(server.asked) == 1


async def test_ten_redirects(server: ScriptedServer) -> None:
    for hop in range(10):
        server.pages[f"/{hop}"] = redirect(f"/{hop + 1}")
    server.pages["/10"] = answer(200, PICTURE)
    assert (await fetch(server.url("/0"), policy(server)))[0] == server.url("/10")


async def test_the_last_of_many_hops_is_judged_like_the_first(server: ScriptedServer) -> None:
    for hop in range(9):
        server.pages[f"/{hop}"] = redirect(f"/{hop + 1}")
    server.pages["/9"] = redirect("http://169.254.169.254/latest/")
    blocked = (FetchReason.BLOCKED_ADDRESS, COULD_NOT_BE_FETCHED)
    assert await failure(server.url("/0"), policy(server)) == blocked


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("http://127.0.0.2/", FetchReason.BLOCKED_ADDRESS),
        ("//[::1]/", FetchReason.BLOCKED_ADDRESS),
        ("http://inside.example/", FetchReason.BLOCKED_ADDRESS),
        ("http://2130706433/", FetchReason.BAD_HOST),
        ("http://localhost/", FetchReason.BAD_HOST),
        ("http://nowhere.example/", FetchReason.DNS),
        ("http://127.0.0.1:22/", FetchReason.BAD_PORT),
        ("http://user:password@127.0.0.1/", FetchReason.CREDENTIALS),
        ("file:///etc/passwd", FetchReason.BAD_SCHEME),
        ("/" + "x" * 4096, FetchReason.BAD_URL),
        ("/\\127.0.0.1", FetchReason.BAD_URL),
        ("http://[::1", FetchReason.BAD_REDIRECT),
    ],
)
async def test_redirects_to_where_nobody_may_go(server: ScriptedServer, location: str, reason: FetchReason) -> None:
    server.pages["/"] = redirect(location)
    names = Names(inside=[["192.168.0.1"]])
    assert await failure(server.url("/"), policy(server), names) == (reason, COULD_NOT_BE_FETCHED)
    assert server.connections == 1


async def test_a_redirect_to_a_name_that_has_become_private(server: ScriptedServer) -> None:
    server.pages["/"] = redirect("/again")
    names = Names(rebind=[["127.0.0.1"], ["10.0.0.1"]])
    refused = await failure(server.url("/", host="rebind.example"), policy(server), names)
    assert refused == (FetchReason.BLOCKED_ADDRESS, COULD_NOT_BE_FETCHED)


async def test_no_such_name_slow_names_closed_ports(server: ScriptedServer) -> None:
    async def slow(_host: str, _port: int) -> list[str]:
        await anyio.sleep_forever()
        return []

    async def write(_part: bytes) -> None: ...

    fetcher = Fetcher(policy(server, dns_seconds=0.05), resolver=slow)
    with pytest.raises(FetchFailed) as raised:
        await fetcher.fetch("http://slow.example/", write)
    await fetcher.aclose()
    assert (raised.value.reason, raised.value.public) == (FetchReason.DNS_TIMEOUT, COULD_NOT_BE_FETCHED)
    assert await failure("http://no.example/", policy(server)) == (FetchReason.DNS, COULD_NOT_BE_FETCHED)
    empty = Names(empty=[[]])
    assert await failure("http://empty.example/", policy(server), empty) == (
        FetchReason.DNS,
        COULD_NOT_BE_FETCHED,
    )
    closed = policy(server, allow_networks=(ip_network("127.0.0.9/32"),))
    assert await failure(f"http://127.0.0.9:{server.port}/", closed) == (
        FetchReason.UNREACHABLE,
        COULD_NOT_BE_FETCHED,
    )


async def test_a_port_that_does_not_answer_tls(server: ScriptedServer) -> None:
    """The deadline falls in mid-handshake, and leaves nothing open: a ResourceWarning would fail the run."""
    too_slow = (FetchReason.TOO_SLOW, COULD_NOT_BE_FETCHED)
    url = server.url("/").replace("http:", "https:")
    assert await failure(url, policy(server, total_seconds=0.2)) == too_slow
    assert server.connections == 1
    gc.collect()


FETCH_ONE = """
import asyncio, sys
from image_service.ingest.fetch import Fetcher, FetchPolicy
async def write(part): sys.stdout.buffer.write(part)
asyncio.run(Fetcher(FetchPolicy(allow_private=True)).fetch(sys.argv[1], write))
"""


async def test_the_environments_proxies_and_passwords_are_not_used(server: ScriptedServer, tmp_path: Path) -> None:
    server.pages["/"] = answer(200, b"direct")
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password secret")
    proxies = dict.fromkeys(("http_proxy", "HTTP_PROXY", "ALL_PROXY"), "http://127.0.0.1:1")
    environment = {**proxies, "HOME": str(tmp_path), "NETRC": str(tmp_path / ".netrc")}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", FETCH_ONE, server.url("/"), env=environment, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    assert (process.returncode, output) == (0, b"direct")
    assert "authorization" not in server.asked[0].headers


async def test_errors_of_the_writer_are_not_the_networks(server: ScriptedServer) -> None:
    server.pages["/"] = answer(200, PICTURE)

    async def write(_part: bytes) -> None:
        raise OSError(28, "No space left on device")

    fetcher = Fetcher(policy(server))
    with pytest.raises(OSError, match="No space"):
        await fetcher.fetch(server.url("/"), write)
    await fetcher.aclose()


async def test_fetches_beyond_the_limit_wait_their_turn_and_not_for_ever(server: ScriptedServer) -> None:
    server.pages["/"] = answer(200, PICTURE)
    fetcher = Fetcher(policy(server, concurrency=1, slot_seconds=0.2))
    writing, go_on = anyio.Event(), anyio.Event()

    async def hold(_part: bytes) -> None:
        writing.set()
        await go_on.wait()

    async def write(_part: bytes) -> None: ...

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(fetcher.fetch, server.url("/"), hold)
        await writing.wait()
        with pytest.raises(Busy):
            await fetcher.fetch(server.url("/"), write)
        go_on.set()
        assert (await fetcher.fetch(server.url("/"), write)).size == 1024
    await fetcher.aclose()


async def test_the_systems_own_names(server: ScriptedServer) -> None:
    """`localhost` may well be ::1 first, where nobody listens."""
    server.pages["/"] = answer(200, PICTURE)

    async def write(_part: bytes) -> None: ...

    fetcher = Fetcher(FetchPolicy(allow_private=True))
    assert (await fetcher.fetch(server.url("/", host="localhost"), write)).size == 1024
    await fetcher.aclose()
