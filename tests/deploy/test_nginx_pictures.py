"""Pictures through nginx and from the service itself: the same status, headers and bytes, whoever sends them."""

import pytest
from PIL import Image

from tests.conftest import PHOTOS
from tests.deploy.both import CUP, FILM, ROCKET, Front, Paths, StartNginx, alike, asked, uploaded
from tests.deploy.http import ask
from tests.deploy.nginx import free_port
from tests.pixels.pictures import encoded, quadrants

BROWSER = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"


@pytest.mark.parametrize("name", [ROCKET, CUP, FILM])
def test_every_size_and_format_cold_and_warm(front: Front, name: str) -> None:
    for (_, format_), path in uploaded(front, name).items():
        cold = ask(front.nginx.port, path)
        through, direct, reached = asked(front, path)
        assert not reached, path
        assert cold.headers == through.headers
        assert cold.body == through.body
        assert alike(through, direct), path
        assert direct.status == 200
        assert direct.header("content-type") == f"image/{'jpeg' if format_ == 'jpg' else format_}"


ACCEPTS = [
    None,
    "",
    "*/*",
    "image/*",
    "image/*,*/*;q=0.8",
    "image/jpeg",
    BROWSER,
    "image/webp",
    "image/webp,*/*",
    "image/avif",
    "text/html, image/webp , */*",
    "image/webp;q=1.0, image/avif;q=0.1",
    "IMAGE/WebP ; q=0.5",
    "image/avif;q=0, image/webp",
    "image/avif;q=0,image/webp;q=0",
    "image/avif; q=0.000, image/webp;Q=0.0",
    "image/avif ; q = 0 , image/webp",
    "image/avif;q=0.001",
    "image/avif;q=0.0001",
    "image/avif;q=00",
    "image/avif;q=0.",
    "image/avif;a=b;q=0",
    "image/avif;q=0;a=b",
    "image/avif;eq=0",
    "image/avif;x-q=0",
    "image/avif;q=1;q=0",
    "image/avif;",
    "image/avif;;",
    "image/avif q=0",
    "image/avif-sequence, image/webpx",
    "ximage/avif",
    "image /avif",
    'image/avif;a="b,c"',
    'image/avif;a="b,image/webp"',
    ",;,=",
    ",image/webp,",
    "\timage/webp\t",
    "image/avif,image/avif;q=0",
    "image/avif;q=0,image/avif",
]


@pytest.mark.parametrize("accept", ACCEPTS)
def test_accept(front: Front, warm: str, accept: str | None) -> None:
    headers = [] if accept is None else [("Accept", accept)]
    through, direct, reached = asked(front, warm, headers=headers)
    assert alike(through, direct)
    assert direct.header("vary") == "Accept"
    assert not reached


def test_a_better_format_that_is_not_rendered_yet_is_asked_for(front: Front) -> None:
    path = uploaded(front, CUP)["240-0", "png"]
    assert ask(front.port, path).header("content-type") == "image/png"  # this one is rendered
    cold = ask(front.nginx.port, path, headers=[("Accept", BROWSER)])
    assert cold.header("content-type") == "image/avif"
    through, direct, reached = asked(front, path, headers=[("Accept", BROWSER)])
    assert alike(through, direct)
    assert not reached


@pytest.mark.parametrize("own", ["webp", "avif"])
def test_a_picture_that_came_as_webp_or_avif(front: Front, own: str) -> None:
    """Its own URL is sent as it is, its `jpg` to whoever names lighter formats as the lightest."""
    paths = uploaded(front, f"photo.{own}", encoded(quadrants(), own.upper()))
    for format_ in (own, "jpg", *({"webp", "avif"} - {own})):
        for accept in ("*/*", BROWSER):
            cold = ask(front.nginx.port, paths["50-0", format_], headers=[("Accept", accept)])
            through, direct, reached = asked(front, paths["50-0", format_], headers=[("Accept", accept)])
            assert alike(through, direct)
            assert cold.body == through.body
            assert not reached
            got = own if (format_, accept) == ("jpg", BROWSER) else format_.replace("jpg", "jpeg")
            assert direct.header("content-type") == f"image/{got}"
            assert direct.header("vary") == ("Accept" if format_ == "jpg" else None)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_other_methods(front: Front, warm: str, method: str) -> None:
    through, direct, _ = asked(front, warm, method)
    assert alike(through, direct)
    assert direct.status == 405


def test_what_is_not_there(front: Front, rocket: Paths, warm: str) -> None:
    changes = [
        ("-640-0", "-641-0"),
        ("-640-0", "-0640-0"),
        (".jpg", ".gif"),
        (".jpg", ".JPG"),
        (".jpg", ".jpg/"),
        (".jpg", "%2Ejpg"),
        ("rocket", "racket"),
        ("/stores/", "//stores/"),
        ("/stores/", "/stores//"),
        ("/stores/", "/./stores/"),
        ("/stores/", "/x/../stores/"),
        ("/stores/", "/stores/../stores/"),
        ("/stores/", "/Stores/"),
        ("/stores/000", "/stores/000/000"),
        ("/stores/000", "/stores"),
    ]
    for old, new in changes:
        path = warm.replace(old, new)
        assert path != warm
        through, direct = (ask(port, path) for port in front.both)
        assert alike(through, direct), path
        assert direct.status == 404, path


def test_a_path_that_no_server_takes(front: Front, warm: str) -> None:
    """What differs: nginx refuses by itself what can be no file's name."""
    through, direct = (ask(port, warm + "%00") for port in front.both)
    assert (through.status, direct.status) == (400, 404)


def test_private_files_and_folders_are_not_served(front: Front, warm: str) -> None:
    folder = warm.rpartition("/")[0]
    for path in (folder, folder + "/", "/stores/", "/stores", "/../private/instance", "/stores/../../private/instance"):
        through, direct = (ask(port, path) for port in front.both)
        assert through.status in (400, 404), path  # nginx knows by itself that a path leaves the root
        assert through.status == 400 or alike(through, direct), path


def test_a_query_is_ignored(front: Front, warm: str) -> None:
    through, direct, reached = asked(front, warm + "?v=2&x=.png")
    assert alike(through, direct)
    assert direct.status == 200
    assert not reached


def test_an_alias_in_another_images_format(front: Front) -> None:
    """What differs: a JPEG's URL of a PNG is no URL of ours, but nginx cannot know whose AVIF it has."""
    paths = uploaded(front, CUP)
    alias = paths["100-0", "png"].replace(".png", ".jpg")
    for accept in ("*/*", BROWSER):
        through, direct, _ = asked(front, alias, headers=[("Accept", accept)])
        assert alike(through, direct)
        assert direct.status == 404
    picture = ask(front.port, paths["100-0", "avif"])
    assert ask(front.nginx.port, alias, headers=[("Accept", BROWSER)]).body == picture.body


def test_a_deleted_picture_is_gone_at_once(front: Front) -> None:
    with front.service.client() as client:
        files = {"file": (ROCKET, (PHOTOS / ROCKET).read_bytes())}
        image = client.post("/products/2/images", files=files).json()
        path = image["src"].removeprefix(front.service.url)
        assert ask(front.nginx.port, path).status == 200
        assert client.delete(f"/products/2/images/{image['id']}").status_code == 200
    through, direct, _ = asked(front, path)
    assert alike(through, direct)
    assert direct.status == 404


def test_a_file_that_nginx_may_not_read_is_asked_for(front: Front) -> None:
    path = uploaded(front, ROCKET)["50-0", "jpg"]
    assert ask(front.nginx.port, path).status == 200
    (front.public / path[1:]).chmod(0o000)
    through, direct, reached = asked(front, path)
    assert reached
    assert (through.status, through.body) == (direct.status, direct.body)


def test_no_negotiation_where_the_service_has_none(front: Front, start_nginx: StartNginx, warm: str) -> None:
    """nginx has the service's own setting, in whichever spelling the service takes."""
    for spelling in ("false", "0", "no", "off", "False"):
        plain = start_nginx(f"127.0.0.1:{front.port}", front.public, IMAGE_SERVICE_NEGOTIATE_FORMATS=spelling)
        answer = ask(plain.port, warm, headers=[("Accept", BROWSER)])
        assert (answer.header("content-type"), answer.header("vary")) == ("image/jpeg", None)


def test_without_the_service_what_is_rendered_is_still_served(front: Front, start_nginx: StartNginx, warm: str) -> None:
    alone = start_nginx(f"127.0.0.1:{free_port()}", front.public)
    assert alike(ask(alone.port, warm), ask(front.port, warm))
    cold = ask(alone.port, warm.replace("-640-0", "-1920-0"))
    assert (cold.status, cold.body) == (502, b'{"code":502,"message":"Bad Gateway"}')
    assert {"cache-control": "no-store", "x-content-type-options": "nosniff"}.items() <= dict(cold.headers).items()


@pytest.mark.parametrize("accept", [BROWSER, "image/webp", "image/avif", "*/*"])
def test_a_graphic_is_sent_in_its_lightest_format(front: Front, accept: str) -> None:
    """Which that is, nginx learns from the service's note."""
    data = encoded(Image.new("1", (300, 200), 1), "PNG")
    path = uploaded(front, "blank.png", data)["640-0", "png"]
    headers = [("Accept", accept)]
    cold = ask(front.nginx.port, path, headers=headers)
    through, direct, reached = asked(front, path, headers=headers)
    assert not reached
    assert cold.body == through.body
    assert alike(through, direct)
    assert direct.header("content-type") == ("image/webp" if "webp" in accept else "image/png")
