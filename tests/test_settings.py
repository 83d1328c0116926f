"""Settings: read from the environment, refused when unusable, and every one of them documented."""

import re
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from image_service.cli.console import read_settings
from image_service.pixels.picture import Format, readable
from image_service.settings import Settings

PAGE = (Path(__file__).parents[1] / "docs" / "settings.md").read_text()


def documented() -> dict[str, str]:
    return dict(re.findall(r"^\| `([A-Z_0-9]+)` \|([^|]*)\|", PAGE, re.MULTILINE))


def test_every_setting_is_on_its_page_and_no_other() -> None:
    assert set(documented()) == {name.upper() for name in Settings.model_fields}


def test_the_page_says_their_defaults() -> None:
    for name, text in documented().items():
        value: Any = Settings.model_fields[name.lower()].default
        words = text.replace("`", "").split()
        if name in ("STORAGE_URL", "PUBLIC_URL", "DELIVERY_URL", "FETCH_USER_AGENT"):
            assert value is None, name  # it follows from others, which the page names
        elif isinstance(value, tuple):
            assert words == [str(each) for each in value], name
        elif isinstance(value, bool):
            assert words == [str(value).lower()], name
        elif isinstance(value, float):
            assert [float(word) for word in words] == [value], name
        else:
            assert words == ([] if value is None else [str(value)]), name


@pytest.mark.parametrize(
    "values",
    [
        {"port": "70000"},
        {"workers": "0"},
        {"workers": "3", "database_connections": "5"},
        {"database_url": "mysql://x"},
        {"public_url": "not a url"},
        {"sizes": "640-0 banana"},
        {"sizes": "50-0"},
        {"sizes": "640-0 640-0"},
        {"input_formats": "gif jpg webp"},
        {"input_formats": "gif jpg png heic"},
        {"input_formats": "gif jpg png webp webp"},
        {"bootstrap_store": "a shop"},
        {"bootstrap_store": "a shop", "bootstrap_token": "short"},
        {"bootstrap_store": "a shop", "bootstrap_token": "with a blank in the middle"},
        {"bootstrap_store": "a shop", "bootstrap_token": "ñandú-ñandú-ñandú-ñandú"},
        {"anonymous_store": "0"},
        {"fetch_allow_networks": "10.0.0.1/8"},
        {"fetch_redirects": "-1"},
        {"fetch_user_agent": ""},
        {"fetch_user_agent": "shop\r\nX-Evil: 1"},
        {"fetch_user_agent": "tienda ñ"},
        {"fetch_user_agent": "shop "},
        {"unknown": "1"},
    ],
)
def test_unusable_values_are_refused(values: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        Settings.model_validate(values)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+asyncpg"])
def test_a_database_url_as_platforms_hand_it_out(scheme: str) -> None:
    settings = Settings.model_validate({"database_url": f"{scheme}://u:p@db.test/shop"})
    assert settings.database_url == "postgresql+asyncpg://u:p@db.test/shop"


def test_lists_and_urls() -> None:
    settings = Settings.model_validate(
        {"sizes": "640-0, 30-30", "fetch_allow_networks": "10.0.0.0/8 fd00::/8", "public_url": "https://api.test/x/"}
    )
    assert [str(size) for size in settings.sizes] == ["640-0", "30-30"]
    assert settings.fetch_allow_networks == (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))
    assert settings.api_base == settings.delivery_base == "https://api.test/x"


def test_formats_that_are_taken() -> None:
    assert Settings().input_formats is None  # each dialect takes its own
    assert Settings().limits.formats == readable()
    assert Settings.model_validate({"input_formats": "gif, jpg, png, avif"}).limits.formats[-1] is Format.AVIF


def test_pictures_may_have_a_host_of_their_own() -> None:
    settings = Settings.model_validate({"port": 9000, "delivery_url": "https://cdn.test"})
    assert (settings.api_base, settings.delivery_base) == ("http://127.0.0.1:9000", "https://cdn.test")


def test_an_ipv6_host_has_brackets_in_urls() -> None:
    assert Settings.model_validate({"host": "::1", "port": 80}).api_base == "http://[::1]:80"


def test_frozen() -> None:
    settings: Any = Settings()
    with pytest.raises(ValidationError):
        settings.port = 1


@pytest.mark.parametrize("mode", ["disable", "prefer", "require", "verify-ca", "verify-full"])
def test_tls_as_platforms_ask_for_it(mode: str) -> None:
    settings = Settings.model_validate({"database_url": f"postgres://u:p@db.test:5433/shop?sslmode={mode}"})
    assert settings.database_url == f"postgresql+asyncpg://u:p@db.test:5433/shop?ssl={mode}"


def test_a_socket_stays_as_it_is() -> None:
    url = "postgresql+asyncpg://postgres:@/postgres?host=/var/run/postgres"
    assert Settings.model_validate({"database_url": url}).database_url == url


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("mysql://u:5ecret@h/b", "postgresql://user:password@host/name is wanted"),
        ("postgresql://u:5ecret@h:notaport/b", "its port is no number"),
        ("postgresql://u:5ecret@h/b?sslmode=require&channel_binding=require", "'channel_binding' is not known here"),
        ("postgresql://u:5ecret@h/b?sslcert=/etc/client.crt", "set PGSSLCERT in the environment"),
        ("postgresql://u:5ecret@h/b?sslmode=please", "its sslmode is none of disable, allow, prefer"),
    ],
)
def test_a_database_url_that_is_refused_says_why(url: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMAGE_SERVICE_DATABASE_URL", url)
    with pytest.raises(ValueError, match=r"^IMAGE_SERVICE_DATABASE_URL: ") as refused:
        read_settings()
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)
    assert "5ecret" not in str(refused.value)
