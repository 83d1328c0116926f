"""docs/ as pages at /guides/: all of it is there, links lead on, samples can be copied and words be found."""

import re
import subprocess
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import httpx
import pytest
from playwright.sync_api import Page, expect

from image_service.site.guides.exchanges import call_of, call_of_curl
from image_service.site.guides.markdown import read
from image_service.site.reference.samples import samples_of
from tests.browser import NewPage
from tests.conftest import API
from tests.deploy.files import ROOT
from tests.deploy.needs import program
from tests.processes import DEADLINE, Server
from tests.site.conftest import LOOKS, is_too_wide, violations
from tests.site.html import Element, elements

DOCS = ROOT / "docs"
FILES = sorted(each.relative_to(DOCS).as_posix() for each in DOCS.rglob("*.md"))
GUIDES = [name for name in FILES if not name.startswith("decisions/")]


def url_of(file: str) -> str:
    return "/guides/" + re.sub(r"(README)?\.md$", "", file)


@pytest.fixture(scope="module")
def pages(server: Server) -> dict[str, list[Element]]:
    """By path."""
    with httpx.Client(base_url=server.url) as client:
        answers = {url_of(file): client.get(url_of(file)) for file in FILES}
    assert {answer.status_code for answer in answers.values()} == {200}
    return {path: elements(answer.text) for path, answer in answers.items()}


def test_every_file_of_the_documentation_is_a_page(pages: dict[str, list[Element]]) -> None:
    for file in FILES:
        [heading] = [each.text for each in pages[url_of(file)] if each.tag == "h1"]
        title = (DOCS / file).read_text().partition("\n")[0].removeprefix("# ")
        assert heading == title.replace("`", "")


def test_links_between_them_lead_somewhere(pages: dict[str, list[Element]]) -> None:
    ids = {path: {each.attributes["id"] for each in shown if "id" in each.attributes} for path, shown in pages.items()}
    others = {"/", "/docs", "/gallery"}
    for path, shown in pages.items():
        for each in shown:
            link = each.attributes.get({"a": "href", "img": "src"}.get(each.tag, ""), "")
            target = urlsplit(urljoin(f"{API}{path}", link))
            if not link or "://" in link or target.path in others:
                continue
            if each.tag == "img":
                assert (DOCS / target.path.removeprefix("/guides/")).is_file(), (path, link)
                continue
            assert target.path in pages, (path, link)
            assert not target.fragment or target.fragment in ids[target.path], (path, link)


def test_every_code_is_there_as_it_is_printed(pages: dict[str, list[Element]], server: Server) -> None:
    """But for the name of the service, which is this one's."""
    for file in GUIDES:
        text = (DOCS / file).read_text().replace("http://127.0.0.1:8000", server.url)
        printed = re.findall(r"^```\w+\n(.*?)\n```", text, re.MULTILINE | re.DOTALL)
        shown = {each.text for each in pages[url_of(file)] if each.tag == "pre"}
        assert set(printed) <= shown


def test_what_is_in_the_checkout_alone_is_no_link() -> None:
    guide = read("# One\n\n[here](other.md#a) [there](../deploy/nginx.conf)\n", "sub/one.md", {"sub/other.md"}, API)
    assert '<a href="../sub/other#a">here</a> <span>there</span>' in guide.body


def test_what_looks_like_html_is_text() -> None:
    guide = read("# <b>One</b>\n\n<script>x</script> `<i>`\n", "one.md", set(), API)
    assert "<script" not in guide.body
    assert "<b>" not in guide.body
    assert "&lt;i&gt;" in guide.body


def test_an_exchange_is_written_in_other_languages() -> None:
    call = call_of(
        'PUT /products/1/images/2?fields=id HTTP/1.1\nAuthorization: Bearer TOKEN\nIf-Match: "1-a"\n'
        'Content-Type: application/json\n\n{"alt": "It\'s red"}\n\nHTTP/1.1 200 OK\n\n{}',
        "http://shop.example.com/images/",
    )
    assert call is not None
    curl, javascript, python, php = (each.text for each in samples_of(call))
    assert curl == (
        'curl -X PUT -H "Authorization: Bearer $TOKEN" \\\n  -H \'If-Match: "1-a"\' \\\n'
        '  -H "Content-Type: application/json" \\\n  -d \'{"alt": "It\'"\'"\'s red"}\' \\\n'
        "  'http://shop.example.com/images/products/1/images/2?fields=id'"
    )
    assert "If-Match" in javascript
    compile(python, "sample", "exec")
    assert 'CURLOPT_POSTFIELDS => \'{"alt": "It\\\'s red"}\'' in php
    assert call_of("HTTP/1.1 200 OK\n\n{}", "") is None
    assert call_of("POST /images HTTP/1.1\nContent-Type: multipart/form-data; boundary=b\n\n--b", "") is None


def test_a_command_is_written_in_other_languages() -> None:
    call = call_of_curl(
        'curl -H "Authorization: Bearer $TOKEN" -F file=@a.jpg \\\n  -F alt=x http://127.0.0.1:8000/products/7/images'
    )
    assert call is not None
    _, javascript, python, php = (each.text for each in samples_of(call))
    assert 'form.append("alt", "x");' in javascript
    assert """files={"file": open("a.jpg", "rb")},""" in python
    assert """['file' => new CURLFile('a.jpg'), 'alt' => 'x']""" in php
    for other in (
        "image-service stores list",
        "curl 'x",
        "curl -s -o x -u 1:2 http://h/",
        "job=1\ncurl -X GET http://h/",
    ):
        assert call_of_curl(other) is None


def test_samples_are_programs(pages: dict[str, list[Element]], tmp_path: Path) -> None:
    """Those of /docs, which the same code writes, are run against a service."""
    found: dict[str, set[str]] = {}
    for each in (each for shown in pages.values() for each in shown if each.tag == "pre"):
        found.setdefault(each.attributes.get("data-language", ""), set()).add(each.text)
    assert len(found["JavaScript"]) == len(found["Python"]) == len(found["PHP"]) > 40
    for text in found["Python"]:
        compile(text, "sample", "exec")
    module, script = tmp_path / "samples.mjs", tmp_path / "samples.php"
    functions = [f"async (token, input) => {{\n{each}\n}}" for each in found["JavaScript"]]
    module.write_text(f"export default [{', '.join(functions)}];")
    subprocess.run([program("node", "nodejs"), "--check", module], check=True, timeout=DEADLINE)
    script.write_text("<?php\n" + "\n".join(found["PHP"]))
    subprocess.run([program("php", "php-cli"), "-l", script], check=True, timeout=DEADLINE)


async def test_without_a_slash_the_way_is_shown(anyone: httpx.AsyncClient) -> None:
    answer = await anyone.get("/guides")
    assert (answer.status_code, answer.headers["location"]) == (308, "guides/")
    assert (await anyone.get("/guides/../pyproject.toml")).status_code == 404
    assert (await anyone.get("/guides/nothing")).status_code == 404


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
@pytest.mark.parametrize("path", ["/guides/", "/guides/uploads", "/guides/operations/install"])
def test_anybody_can_read_them(new_page: NewPage, path: str, width: int, scheme: str) -> None:
    page = new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page.goto(path)
    expect(page.locator("html.has-scripts")).to_be_visible()
    assert violations(page) == []
    assert not is_too_wide(page)


def test_every_page_keeps_its_policy_and_needs_no_other_host(page: Page) -> None:
    """As `new_page` looks at all of them."""
    for file in GUIDES:
        page.goto(url_of(file))
        expect(page.get_by_role("heading", level=1)).to_be_visible()


def test_a_diagram_keeps_its_shape_on_a_phone(new_page: NewPage) -> None:
    page = new_page(viewport={"width": 390, "height": 844})
    page.goto("/guides/uploads")
    diagram = page.locator("pre", has_text="front-end").first
    assert diagram.evaluate("element => element.scrollWidth > element.clientWidth")
    assert not is_too_wide(page)


def test_samples_change_their_language_together(page: Page) -> None:
    page.goto("/guides/tiendanube")
    page.get_by_role("button", name="PHP").first.click()
    expect(page.get_by_role("button", name="PHP").nth(1)).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_text("curl_init").nth(1)).to_be_visible()
    expect(page.get_by_text("image-service stores add").first).to_be_visible()  # has one language alone


def test_a_sample_is_copied(new_page: NewPage) -> None:
    page = new_page(permissions=["clipboard-read", "clipboard-write"])
    page.goto("/guides/quickstart")
    page.get_by_role("button", name="Copy").first.click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == page.locator("pre").first.inner_text()


@pytest.mark.parametrize("path", ["/guides/", "/guides/operations/tls"])
def test_words_are_found_by_keyboard(page: Page, path: str) -> None:
    page.goto(path)
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("withdraws ticket")
    first = page.get_by_role("status").get_by_role("link").first
    expect(first).to_contain_text("Uploads from browsers and phones")
    assert violations(page) == []
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/guides/uploads#"))
    expect(page.get_by_role("searchbox")).to_have_value("")
    page.get_by_role("searchbox").fill("zyzzyva")
    expect(page.get_by_role("heading", name="Nothing found")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("heading", level=1)).to_have_text("Uploads from a browser or a phone")


def test_without_scripts_they_are_all_there(new_page: NewPage) -> None:
    page = new_page(java_script_enabled=False)
    page.goto("/guides/tiendanube#errors")
    expect(page.get_by_text("POST /products/1234/images HTTP/1.1").first).to_be_visible()
    expect(page.get_by_role("searchbox")).to_be_hidden()
    page.get_by_role("link", name="Shopify's dialect →").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Shopify's dialect")
