"""Checks of the machine: settings, pixel processes, the running service."""

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import httpx

from image_service.cli.doctor.findings import Finding, Findings, fail, ok, warn
from image_service.edge.places import NEARLY_ALL
from image_service.errors import ImageServiceError
from image_service.pixels.limits import Refused
from image_service.pixels.messages import Rendering
from image_service.pixels.picture import Format
from image_service.pixels.pool.pool import PixelPool
from image_service.settings import Settings

SAMPLE = Path(__file__).parents[2] / "site" / "static" / "sample.jpg"
ABOUT = (sys.executable, "-I", "-m", "image_service.pixels.about")
MEND_CAGE = {
    "filter of system calls": "install libseccomp (`apt install libseccomp2`)",
    "Landlock": "the other layers hold; Linux from 5.13 on has it, if `lsm=` of its command line names landlock",
}
SECONDS = 30.0  # for one step of a pixel process on a busy machine
ANSWER_SECONDS = 10.0


def settings(settings: Settings) -> Iterator[Finding]:
    """Finds valid values that are rarely intended."""
    yield ok("settings", "all can be read")
    if settings.anonymous_store is not None:
        mend = "unset it unless this is a test or a closed network"
        yield warn("settings", f"ANONYMOUS_STORE: calls without a token act as store {settings.anonymous_store}", mend)
    if settings.fetch_allow_private:
        mend = "name the networks that are meant in FETCH_ALLOW_NETWORKS instead"
        yield warn("settings", "FETCH_ALLOW_PRIVATE: anyone with a token reaches this network's own hosts", mend)
    if settings.public_url is None and _is_unspecified(settings.host):
        mend = "set PUBLIC_URL to what clients call it by, such as https://images.example.com"
        yield warn("settings", f"pictures have URLs that start with {settings.delivery_base}", mend)
    if settings.data_dir.exists() and settings.data_dir.stat().st_uid != os.geteuid():
        mend = "run commands as the user that runs the service, or it may not write to what they leave"
        yield warn("settings", f"{settings.data_dir} belongs to another user", mend)


async def pixels(settings: Settings) -> Findings:
    """Runs one sandboxed process on a real photo, in every output format."""
    mend = "reinstall what brings it: `pip install --force-reinstall pyvips-binary`"
    try:
        about = await _about()
    except (OSError, ValueError, TimeoutError) as error:
        yield fail("libvips", f"does not load: {error}", mend)
        return
    versions, missing = about["versions"], ", ".join(about["missing"])
    said = ", ".join(f"{name} {version}" for name, version in versions.items())
    found = fail("libvips", f"{said}: lacks {missing}", mend) if missing else ok("libvips", said)
    yield replace(found, versions=versions)
    missing_heic = "is not taken: its decoder is an extra, `pip install 'image-service[heic]'`"
    yield ok("heic", f"can be taken: {about['heic']}" if about["heic"] else missing_heic)
    try:
        async with PixelPool(1, settings.limits, SECONDS, SECONDS) as pool:
            with tempfile.TemporaryDirectory() as folder:
                probe = await pool.probe(SAMPLE, wait=SECONDS)
                for each in (Format.JPG, Format.WEBP, Format.AVIF):
                    rendering = Rendering(probe.format, each, 50, round(50 * probe.height / probe.width), 1)
                    await pool.render(SAMPLE, Path(folder) / f"sample.{each}", rendering, wait=SECONDS)
                cage = pool.cage
    except (ImageServiceError, Refused) as error:
        yield fail(
            "pixel process", f"cannot open a photo: {error}", "is there a limit on memory? Standard error says more"
        )
        return
    yield ok("pixel process", "opened a photo, and drew it as JPEG, WebP and AVIF")
    yield ok("cage", ", ".join(str(layer) for layer in cage if layer.holds) or "limits of memory, files and time alone")
    for layer in cage:
        if not layer.holds:
            mend = MEND_CAGE.get(layer.name, "run it on Linux, in a container that allows it")
            yield warn("cage", f"no {layer.name}: {layer.detail}", mend)


async def service(settings: Settings) -> Findings:
    """Checks the listening address and PUBLIC_URL."""
    host = "localhost" if _is_unspecified(settings.host) else settings.host
    own = f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"
    async with httpx.AsyncClient(timeout=ANSWER_SECONDS) as client:
        try:
            answer = await client.get(f"{own}/health/ready")
            said = answer.json()
            status, wrong = said["status"], [f"{name} {text}" for name, text in said.items() if text != "ok"]
        except httpx.TransportError:
            yield ok("service", f"does not run at {own}")
            return
        except (ValueError, KeyError, TypeError, AttributeError):
            yield fail("service", f"something else answers at {own}", "stop that, or set another PORT")
            return
        if status == "ready":
            yield ok("service", f"is ready at {own}")
            async for finding in _connections(client, own, settings.connections * settings.workers):
                yield finding
        else:
            yield fail("service", f"at {own}: {', '.join(wrong)}", "the other lines, and its log, say why")
        if settings.public_url is None:
            return
        try:
            live = (await client.get(f"{settings.public_url}/health/live")).status_code
            found = f"PUBLIC_URL {settings.public_url} answers {live}"
        except httpx.TransportError as error:
            live, found = 0, f"PUBLIC_URL {settings.public_url} cannot be reached: {error}"
        mend = "look at the proxy, DNS and certificate; a network without a way back to itself is no fault"
        yield ok("public url", found) if live == 200 else warn("public url", found, mend)


async def _connections(client: httpx.AsyncClient, own: str, most: int) -> Findings:
    """Warns if one address holds nearly all."""
    try:
        text = (await client.get(f"{own}/metrics")).text
    except httpx.TransportError:
        return
    lines = (line.partition(" ") for line in text.splitlines() if line.startswith("image_service_connections"))
    counts = {name: int(float(value)) for name, _, value in lines}
    held = counts.get("image_service_connections_of_one_client", 0)
    found = f"{counts.get('image_service_connections', 0)} of {most}, {held} of them of one address"
    if held >= NEARLY_ALL * most:
        mend = "the log names it: name your own proxy in TRUSTED_PROXIES, keep another out, or raise CONNECTIONS"
        yield warn("clients", found, mend)
    else:
        yield ok("clients", found)


async def _about() -> dict[str, Any]:
    process = await asyncio.create_subprocess_exec(
        *ABOUT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env={}
    )
    try:
        async with asyncio.timeout(SECONDS):
            said, complaint = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        raise
    if process.returncode != 0:
        raise OSError((complaint.decode(errors="replace").splitlines() or ["it died"])[-1])
    about: dict[str, Any] = json.loads(said)
    return about


def _is_unspecified(host: str) -> bool:
    try:
        return ip_address(host).is_unspecified
    except ValueError:
        return False
