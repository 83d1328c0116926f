"""A backup that is taken while clients add and delete, restored on another machine by the page's own commands."""

import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from tests.deploy.machine import Machine, machine_in
from tests.processes import eventually
from tests.shop import form, png

CLIENTS = 4


class Busy:
    """A client that adds to a product of its own, and deletes every other image again, until it is told to stop."""

    def __init__(self, machine: Machine, number: int) -> None:
        self.product = number
        self._machine = machine
        self.kept: dict[int, bytes] = {}  # acknowledged, and never asked to be deleted
        self.turns = 0

    def work(self, stop: threading.Event) -> None:
        with self._machine.client() as client:
            while not stop.is_set():
                (kept, data), (gone, _) = self._add(client), self._add(client)
                client.delete(f"/products/{self.product}/images/{gone}").raise_for_status()
                self.kept[kept] = data
                self.turns += 1

    def _add(self, client: httpx.Client) -> tuple[int, bytes]:
        data = png(f"#{self.product:02x}{self.turns % 65536:04x}")
        answer = client.post(f"/products/{self.product}/images", files=form(data), data={"position": 1})
        return answer.raise_for_status().json()["id"], data


def test_taken_under_way_and_restored_elsewhere(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    with machine_in(here) as machine:
        secrets, start, *_ = machine.left.pop("A first deployment")
        machine.run(secrets)
        machine.set_password()
        machine.run(start)
        clients, stop = [Busy(machine, number + 1) for number in range(CLIENTS)], threading.Event()
        with ThreadPoolExecutor(CLIENTS) as threads:
            working = [threads.submit(client.work, stop) for client in clients]
            try:
                eventually(lambda: any(each.done() for each in working) or min(each.turns for each in clients) > 2)
                before = [dict(client.kept) for client in clients]
                machine.paste("Backup")
                during = [client.turns for client in clients]
            finally:
                stop.set()
            for each in working:
                each.result()
        assert all(now > len(then) for now, then in zip(during, before, strict=True))  # they did not wait for it

    with machine_in(there) as machine:
        shutil.copytree(here / "checkout" / "backup", machine.checkout / "backup")
        shutil.copy(machine.checkout / "backup" / "env", machine.checkout / ".env")
        machine.set_password()
        [restored] = machine.paste("Restore")
        with machine.client() as client:
            images = {each["id"]: each for number in range(CLIENTS) for each in gallery(client, number + 1)}
            assert f"{len(images)} originals are whole, 0 are not" in restored
            for kept in before:
                for id, data in kept.items():
                    assert client.get(f"/images/{id}/original").content == data
            assert client.post("/products/1/images", files=form()).status_code == 201


def gallery(client: httpx.Client, product: int) -> list[dict[str, int]]:
    images: list[dict[str, int]] = client.get(f"/products/{product}/images?per_page=200").raise_for_status().json()
    assert [image["position"] for image in images] == list(range(1, len(images) + 1))
    return images
