"""/client.js as it is sent, its types, and the package for npm that is made of it."""

import gzip
import json
import subprocess
import tarfile
from pathlib import Path

import httpx
import pytest

from tests.deploy.files import ROOT
from tests.deploy.needs import program
from tests.npm import npm_packages
from tests.processes import DEADLINE

CONTRACT = ROOT / "tests" / "contract"  # where TypeScript is


@pytest.mark.parametrize(("path", "kind"), [("/client.js", "text/javascript"), ("/client.d.ts", "text/plain")])
async def test_any_page_may_import_it(anyone: httpx.AsyncClient, path: str, kind: str) -> None:
    answer = await anyone.get(path, headers={"Origin": "https://shop.example.com"})
    assert answer.status_code == 200
    assert answer.headers["content-type"].partition(";")[0] == kind
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["cache-control"] == "public, max-age=3600"
    assert (await anyone.get(path, headers={"If-None-Match": answer.headers["etag"]})).status_code == 304


async def test_it_is_small_and_needs_nothing_else(anyone: httpx.AsyncClient) -> None:
    source = (await anyone.get("/client.js")).content
    assert len(gzip.compress(source, 9)) < 4000
    assert b"import " not in source.replace(b"// ", b"")


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Unpacked again."""
    npm = program("npm", "npm")
    folder = tmp_path_factory.mktemp("npm")
    done = subprocess.run(
        [npm, "pack", "--json", "--pack-destination", folder],
        cwd=ROOT / "clients" / "js",
        capture_output=True,
        check=True,
        text=True,
        timeout=DEADLINE,
    )
    [made] = json.loads(done.stdout[done.stdout.index("[") :])
    with tarfile.open(folder / made["filename"]) as archive:
        archive.extractall(folder, filter="data")
    return folder / "package"


def test_the_package_holds_what_the_service_sends(packed: Path) -> None:
    names = {each.name for each in packed.iterdir()}
    assert names == {"LICENSE", "README.md", "client.d.ts", "client.js", "package.json"}
    source = ROOT / "src" / "image_service" / "site" / "static" / "docs"
    for name in ("client.js", "client.d.ts"):
        assert (packed / name).read_bytes() == (source / name).read_bytes()


def test_it_runs_on_a_server(packed: Path) -> None:
    text = (
        'import { picture } from "image-service-client";\n'
        'process.stdout.write(picture({ src: "a.jpg", alt: "A", width: 3, height: 2 }));'
    )
    modules = packed.parent / "node_modules"
    modules.mkdir(exist_ok=True)
    (modules / "image-service-client").symlink_to(packed)
    (packed.parent / "server.mjs").write_text(text)
    done = subprocess.run(
        [program("node", "nodejs"), "server.mjs"],
        cwd=packed.parent,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )
    assert done.stdout == (
        '<picture><img src="a.jpg" width="3" height="2" alt="A" loading="lazy" decoding="async" '
        'style="max-width:100%;height:auto"></picture>'
    ), done.stderr


def test_its_types_hold(packed: Path, tmp_path: Path) -> None:
    (tmp_path / "right.ts").write_text(
        'import { picture, upload, UploadError } from "./package/client.js";\n'
        "export async function show(file: File, ticket: { url: string }): Promise<string> {\n"
        "  try {\n"
        "    const image = await upload(ticket, file, { onProgress: (part) => part.toFixed() });\n"
        "    return picture(image, { priority: true });\n"
        "  } catch (error) {\n"
        "    return error instanceof UploadError && error.status === 422 ? error.message : '';\n"
        "  }\n"
        "}\n"
    )
    (tmp_path / "wrong.ts").write_text('import { picture } from "./package/client.js";\npicture({ alt: "no src" });\n')
    (tmp_path / "package").symlink_to(packed)
    tsc = npm_packages(CONTRACT) / ".bin" / "tsc"
    options = ("--noEmit", "--strict", "--target", "es2022", "--module", "esnext", "--moduleResolution", "bundler")
    done = subprocess.run(
        [tsc, *options, "--lib", "es2022,dom", "right.ts", "wrong.ts"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )
    [said, *_] = done.stdout.splitlines()
    assert said.startswith("wrong.ts(2,")
    assert "right.ts" not in done.stdout
