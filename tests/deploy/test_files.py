"""Dockerfile and docker-compose.yml are valid, agree with each other, and with the service."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from image_service.processes.worker import KEEP_ALIVE_SECONDS
from image_service.processes.workers import LATER_SECONDS
from image_service.settings import PREFIX, Settings
from tests.deploy.files import ROOT, compose, dockerfile, env_example
from tests.deploy.needs import need
from tests.deploy.nginx import TEMPLATE

BIN = Path(sys.executable).parent
SECRETS = {"POSTGRES_PASSWORD": "a" * 20, "IMAGE_SERVICE_BOOTSTRAP_TOKEN": "b" * 20}


def passes(program: str, *arguments: str) -> None:
    done = subprocess.run([BIN / program, *arguments], check=False, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    found: dict[str, Any] = compose(env_example(**SECRETS))["services"]
    return found


def test_compose_is_valid_by_its_schema() -> None:
    passes("check-jsonschema", "--builtin-schema", "vendor.compose-spec", "docker-compose.yml")


def test_the_dockerfile_has_nothing_to_complain_about() -> None:
    need((BIN / "hadolint").exists(), "hadolint, of which there is no wheel for this machine")
    passes("hadolint", "--strict-labels", "Dockerfile")


def test_nothing_starts_without_its_secrets() -> None:
    with pytest.raises(AssertionError, match="POSTGRES_PASSWORD"):
        compose(env_example())
    example = env_example()
    settings = {name.removeprefix(PREFIX).lower(): value for name, value in example.items() if name.startswith(PREFIX)}
    with pytest.raises(ValueError, match="bootstrap_token"):
        Settings.model_validate(settings)
    Settings.model_validate(settings | {"bootstrap_token": "b" * 20})


def test_the_image_is_built_with_the_uv_that_made_the_lock() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    pinned = next(each for each in project["dependency-groups"]["dev"] if each.startswith("uv=="))
    [installing] = [value for value in dockerfile()[0].every("RUN") if "pip install" in value]
    assert "--require-hashes" in installing
    requirement, *hashes = [word.strip("'") for word in installing.split() if word.startswith(("'uv==", "'--hash="))]
    assert requirement == pinned
    [locked] = [each for each in tomllib.loads((ROOT / "uv.lock").read_text())["package"] if each["name"] == "uv"]
    wheels = {each["url"].rpartition("/")[2]: f"--hash={each['hash']}" for each in locked["wheels"]}
    for machine in ("manylinux_2_17_x86_64", "manylinux_2_28_aarch64"):
        assert any(f"-{machine}." in name for name, known in wheels.items() if known in hashes), machine
    assert set(hashes) <= set(wheels.values())


def test_base_images_are_named_exactly(services: dict[str, Any]) -> None:
    """So that a build of tomorrow is that of today; `make digests` goes further where there is a network."""
    images = [stage.image.removesuffix(" AS build") for stage in dockerfile()]
    images += [services[name]["image"] for name in ("database", "nginx")]
    for image in images:
        tag = image.partition("@")[0].partition(":")[2]
        assert re.match(r"\d+\.\d+(\.\d+)?-", tag), image
    assert images[0] == images[1]


def test_only_what_the_build_needs_is_sent_to_it() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    build = dockerfile()[0]
    copied = {word.rstrip("/") for value in build.every("COPY") for word in value.split()[:-1]}
    assert "*" in lines
    assert {line[1:] for line in lines if line.startswith("!")} == copied


def test_no_container_may_more_than_it_must(services: dict[str, Any]) -> None:
    for name in ("service", "nginx"):
        container = services[name]
        assert container["read_only"] is True, name
        assert container["cap_drop"] == ["ALL"], name
        assert container["security_opt"] == ["no-new-privileges:true"], name
        assert container["tmpfs"] == ["/tmp:size=64m,mode=1777"], name  # noqa: S108 - the container's own
    assert dockerfile()[-1].every("USER") == ["10001:10001"]
    assert services["nginx"]["user"] == "101:101"
    assert [name for name, each in services.items() if "ports" in each] == ["nginx"]
    assert services["database"]["networks"] == ["inside"]


def test_each_waits_for_the_one_before_it_and_can_be_asked_how_it_is(services: dict[str, Any]) -> None:
    assert services["service"]["depends_on"]["database"]["condition"] == "service_healthy"
    assert services["nginx"]["depends_on"]["service"]["condition"] == "service_healthy"
    assert "healthcheck" in services["database"]
    assert "healthcheck" in services["nginx"]
    assert dockerfile()[-1].health_check


def test_the_service_has_time_to_stop(services: dict[str, Any]) -> None:
    delay, grace = (Settings.model_fields[name].default for name in ("stop_delay", "stop_grace"))
    assert int(services["service"]["stop_grace_period"].rstrip("s")) > delay + grace + LATER_SECONDS


def test_nginx_finds_the_pictures_and_the_service(services: dict[str, Any]) -> None:
    nginx, service = services["nginx"]["environment"], services["service"]["environment"]
    assert nginx["NGINX_ROOT"] == service["IMAGE_SERVICE_DATA_DIR"] + "/blobs/public"
    assert nginx["NGINX_UPSTREAM"] == f"service:{service['IMAGE_SERVICE_PORT']}"
    mounts = {mount.rpartition(":")[0] or mount for mount in services["nginx"]["volumes"]}
    assert "./deploy/nginx.conf:/etc/nginx/templates/nginx.conf.template" in mounts
    assert "data:/data" in mounts
    placeholders = {word.split("}")[0] for word in TEMPLATE.read_text().split("${")[1:]} - {"LIKE_THIS"}
    assert placeholders <= nginx.keys()


def test_nginx_is_the_first_to_close_an_idle_connection_to_the_service() -> None:
    upstream = TEMPLATE.read_text().split("upstream service {")[1].split("keepalive_requests")[0]
    seconds = int(upstream.split("keepalive_timeout ")[1].split("s;")[0])
    assert seconds < KEEP_ALIVE_SECONDS


def test_nginx_takes_larger_bodies_than_the_service(services: dict[str, Any]) -> None:
    megabytes = int(services["nginx"]["environment"]["NGINX_MAX_BODY"].rstrip("m"))
    assert megabytes * 1024 * 1024 > Settings().max_json_bytes > Settings().max_image_bytes
