"""Any list on any gallery, with hosts that fail and others who change the gallery meanwhile: the plan, the run and the
same run again are what the plainest model says.
"""

import asyncio
import hashlib
import os
from dataclasses import dataclass
from typing import Any

import httpx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import Service
from tests.faults.runs import RUNS
from tests.ingest.server import ScriptedServer, answer
from tests.shop import form, png
from tests.sync import model
from tests.sync.calls import ALL, GALLERY
from tests.sync.model import ABSENT, Host, Picture, Wish

EXAMPLES = int(os.environ.get("SYNC_EXAMPLES", str(20 * RUNS)))
COLORS = ("red", "blue", "green", "gold")
ELSEWHERE = COLORS[:2]  # on another product of the store
PATHS = ("/a", "/b", "/c")
BYTES = {color: png(color) for color in COLORS}
DIGESTS = {color: hashlib.sha256(data).hexdigest() for color, data in BYTES.items()}
NAMES = {digest: color for color, digest in DIGESTS.items()}


@dataclass(frozen=True)
class Draft:
    """An entry before it is known which ids and URLs there are."""

    kind: str
    pick: int
    alt: str | None


@dataclass(frozen=True)
class Change:
    """By someone else, while the first host is asked."""

    kind: str
    pick: int


kinds = st.sampled_from(["src", "src", "src", "id", "id", "sha256", "sha256", "own"])
drafts = st.builds(Draft, kinds, st.integers(0, 6), st.sampled_from([ABSENT, ABSENT, None, "x", "y"]))
hosts = st.builds(Host, st.sampled_from(COLORS), st.sampled_from(["up", "up", "up", "down", "broken"]))
first_lists = st.lists(st.tuples(st.sampled_from([*PATHS, *ELSEWHERE]), st.sampled_from([None, "x"])), max_size=5)
DEEDS = ("add", "delete", "move", "describe", "replace", "sync")
changes = st.none() | st.builds(Change, st.sampled_from(DEEDS), st.integers(0, 5))


@st.composite
def lists(draw: st.DrawFn) -> list[Draft]:
    """Any; and those that repeat what there is, as a system sends it that has changed little."""
    if draw(st.booleans()):
        return draw(st.lists(drafts, max_size=6))
    order = draw(st.permutations(range(4)))[: draw(st.integers(0, 4))]
    return [Draft(draw(st.sampled_from(["id", "own"])), pick, ABSENT) for pick in order] + draw(
        st.lists(drafts, max_size=2)
    )


class World:
    """Hosts of three URLs; `meanwhile` is done when the first is asked."""

    def __init__(self, server: ScriptedServer) -> None:
        self.server = server
        self.hosts = {path: Host(color) for path, color in zip(PATHS, COLORS, strict=False)}
        self.tagged = True
        self.meanwhile: Any = None
        self.changed: list[Picture] | None = None  # the gallery as someone else has left it
        self.left: dict[str, Any] = {}  # the same, or as it was before
        server.pages |= dict.fromkeys(PATHS, self._send)

    async def _send(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = self.server.asked[-1]
        if self.meanwhile is not None:
            change, self.meanwhile = self.meanwhile, None
            await change()
        host = self.hosts[asked.target]
        body = BYTES[host.color] if host.state == "up" else b"<html>"
        headers = {"ETag": f'"{host.color}"'} if self.tagged and host.state == "up" else {}
        if host.state == "down":
            writer.write(answer(500))
        elif headers and asked.headers.get("if-none-match") == headers["ETag"]:
            writer.write(answer(304, b"", **headers))
        else:
            writer.write(answer(200, body, **headers))


def pictures(body: dict[str, Any], world: World) -> list[Picture]:
    prefix = world.server.url("")
    return [
        Picture(
            image["id"],
            NAMES[image["sha256"]],
            image["source_url"].removeprefix(prefix) if image["source_url"] else None,
            image["alt"],
        )
        for image in body["images"]
    ]


def wish(draft: Draft, now: list[Picture], other: list[Picture], *, is_changed: bool) -> Wish:
    """What bytes there are is not to depend on how fast the change comes: then those that are elsewhere are named."""
    if draft.kind == "src":
        return Wish("src", url=PATHS[draft.pick % 3], alt=draft.alt)
    if draft.kind == "id":
        return Wish("id", id=now[draft.pick].id if draft.pick < len(now) else 2**60, alt=draft.alt)
    if draft.kind == "sha256":
        colors = ELSEWHERE if is_changed else COLORS
        return Wish("sha256", color=colors[draft.pick % len(colors)], alt=draft.alt)
    own = other if is_changed else [*now, *other]
    return Wish("own", own=own[draft.pick % len(own)], alt=draft.alt)


def entry(wish: Wish, world: World, urls: dict[int, str]) -> dict[str, Any]:
    if wish.own is not None:
        named: dict[str, Any] = {"src": urls[wish.own.id]}
    elif wish.kind == "src":
        named = {"src": world.server.url(wish.url)}
    else:
        named = {"id": wish.id} if wish.kind == "id" else {"sha256": DIGESTS[wish.color]}
    return named if wish.alt == ABSENT else {**named, "alt": wish.alt}


def told(body: dict[str, Any]) -> list[tuple[str, int | None, str | None]]:
    return [(each["outcome"], each["id"], each["reason"]) for each in body["receipts"]]


async def change(client: httpx.AsyncClient, deed: Change, now: list[Picture]) -> None:
    images = GALLERY.replace("gallery", "images")
    if deed.kind == "add" or not now:
        await client.post(images, files=form(BYTES[COLORS[deed.pick % 4]]), data={"position": deed.pick + 1})
        return
    one = f"{images}/{now[deed.pick % len(now)].id}"
    if deed.kind == "delete":
        await client.delete(one)
    elif deed.kind == "replace":
        await client.put(one, files=form(BYTES[COLORS[deed.pick % 4]]))
    elif deed.kind == "sync":
        backwards = [{"id": each.id} for each in reversed(now[deed.pick % 2 :])]
        await client.put(GALLERY, json={"images": [*backwards, {"sha256": DIGESTS[ELSEWHERE[0]]}]})
    else:
        await client.put(one, json={"position": 1} if deed.kind == "move" else {"alt": "theirs"})


@given(
    first=first_lists,
    then=st.tuples(hosts, hosts, hosts),
    drafted=lists(),
    tagged=st.booleans(),
    keep=st.booleans(),
    refetch=st.sampled_from(["changed", "changed", "never", "always"]),
    stop=st.integers(0, 4).map(lambda number: number == 0),
    deed=changes,
    guard=st.sampled_from([None, None, "now", "another"]),
)
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
async def test_plan_run_and_run_again_are_what_the_model_says(
    service: Service,
    server: ScriptedServer,
    first: list[tuple[str, str | None]],
    then: tuple[Host, Host, Host],
    drafted: list[Draft],
    tagged: bool,
    keep: bool,
    refetch: str,
    stop: bool,
    deed: Change | None,
    guard: str | None,
) -> None:
    store = await service.new_store()
    async with service.client(headers={"Authorization": f"Bearer {store.token}"}) as client:
        world = World(server)
        for color in ELSEWHERE:
            await client.post("/products/2/images", files=form(BYTES[color]))
        start = [
            {"src": server.url(name), "alt": alt} if name in PATHS else {"sha256": DIGESTS[name], "alt": alt}
            for name, alt in first
        ]
        await client.put(GALLERY, json={"images": start})
        shown = (await client.get(f"{GALLERY}?fields={ALL}")).json()
        others = (await client.get(f"/products/2/gallery?fields={ALL}")).json()
        urls = {image["id"]: image["src"] for image in (*shown["images"], *others["images"])}
        world.left = shown
        before, other = pictures(shown, world), pictures(others, world)
        world.hosts, world.tagged = dict(zip(PATHS, then, strict=True)), tagged
        wishes = [wish(each, before, other, is_changed=deed is not None) for each in drafted]
        wishes = [
            each
            for number, each in enumerate(wishes)
            if each.kind != "id" or each.id not in [earlier.id for earlier in wishes[:number]]
        ]
        body = {
            "images": [entry(each, world, urls) for each in wishes],
            "missing": "keep" if keep else "remove",
            "refetch": refetch,
            "on_error": "stop" if stop else "continue",
        }

        def expected(now: list[Picture]) -> model.End:
            return model.sync(wishes, now, world.hosts, set(ELSEWHERE), keep=keep, never=refetch == "never")

        url = f"{GALLERY}?fields={ALL}"
        planned = await client.put(f"{url}&dry_run=true", json=body)
        assert (await client.get(url)).json() == shown
        check_plan(planned, expected(before), wishes, stop=stop)

        if deed is not None:

            async def meanwhile() -> None:
                await change(client, deed, before)
                world.left = (await client.get(url)).json()
                world.changed = pictures(world.left, world)

            world.meanwhile = meanwhile
        asked = len(server.asked)
        headers = {} if guard is None else {"If-Match": f'"{shown["revision"] + (guard != "now")}-x"'}
        done = await client.put(url, json=body, headers=headers)
        now = before if world.changed is None else world.changed
        end = expected(now)
        after = (await client.get(url)).json()
        if guard == "another" or (guard == "now" and world.left["revision"] != shown["revision"]):
            assert done.status_code == 412, done.text
            assert after == world.left
            assert guard == "now" or len(server.asked) == asked
            return
        if stop and any(each.outcome == "failed" for each in end.told):
            assert (done.status_code, done.json()["code"]) == (422, "sync_stopped")
            assert pictures(after, world) == now
            assert [each[::2] for each in told(done.json())] == [(each.outcome, each.reason) for each in end.told]
            return
        assert done.status_code == 200, done.text
        found = pictures(done.json(), world)
        assert {name: done.json()[name] for name in after} == after
        known = {each.id for each in now}
        assert [same(each, known) for each in found] == end.pictures
        assert [(outcome, id_ if id_ in known else None, reason) for outcome, id_, reason in told(done.json())] == [
            (each.outcome, each.id, each.reason) for each in end.told
        ]
        if world.changed is None and found == before:
            assert after["revision"] == shown["revision"]

        if any(each.reason == "sha256_not_found" for each in end.told):
            return  # what the list has brought may be what that entry asks for, and now it is here
        await check_again(client, url, body, after)


def same(picture: Picture, known: set[int]) -> Picture:
    """As the model has it: what is new has no id there."""
    return picture if picture.id in known else Picture(0, picture.color, picture.source, picture.alt)


async def check_again(client: httpx.AsyncClient, url: str, body: dict[str, Any], after: dict[str, Any]) -> None:
    again = (await client.put(url, json=body)).json()
    assert {name: again[name] for name in after} == after, again
    assert {outcome for outcome, _, _ in told(again)} <= {"unchanged", "failed"}


def check_plan(planned: httpx.Response, end: model.End, wishes: list[Wish], *, stop: bool) -> None:
    """Given the bytes that then come, it is what the run does."""
    plan = told(planned.json())
    assert len(plan) == len(end.told)
    sure = [each for each in end.told if each.outcome == "failed"]
    if planned.status_code == 422:
        assert stop
        assert sure
    else:
        assert planned.status_code == 200, planned.text
    unsure = False
    for number, ((outcome, id_, reason), then) in enumerate(zip(plan, end.told, strict=True)):
        assert id_ == then.id
        if outcome == "fetch":
            assert wishes[number].kind == "src"
            assert then.outcome in ("added", "replaced", "unchanged", "moved", "described", "failed")
            unsure = unsure or (then.id is None and then.outcome == "failed")
        elif unsure and outcome in ("moved", "unchanged"):
            assert then.outcome in ("moved", "unchanged")  # one before it has not come, so that its place is another
        else:
            assert (outcome, reason) == (then.outcome, then.reason)
