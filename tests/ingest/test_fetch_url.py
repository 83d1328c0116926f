from ipaddress import ip_network

import pytest

from image_service.ingest.fetch_policy import COULD_NOT_BE_FETCHED, FetchFailed, FetchPolicy, FetchReason
from image_service.ingest.fetch_url import judged_url

# What is wrong with the text of a URL is said, in words that repeat nothing of it.
REFUSED = {
    (FetchReason.BAD_URL, "can't be blank"): ["", " \r\n"],
    (FetchReason.BAD_URL, "is too long (maximum is 4096 characters)"): ["http://a.example/" + "x" * 4080],
    (FetchReason.BAD_URL, "is not a valid URL"): [
        "http://a.example/\x00",
        "http://a.example/\r\nHost: b.example",
        "http://a.example/\tx",
        "http://a.example/\x7f",
        "http://a.example/\x85",
        "http://a.example\\@b.example/",
        "http://a.example/\ud800",
        "http://a.example:99999999999999999999x/",
        "http://0177.0.0.1/",  # octal
        "http://127.0.0.01/",
        "http://256.0.0.1/",
        "http://１２７.0.0.1/",  # full-width digits
        "http://①②⑦.0.0.1/",
        "http://[::1",
        "http://[::g]/",
    ],
    (FetchReason.BAD_SCHEME, "must be an http:// or https:// URL"): [
        "ftp://a.example/",
        "file:///etc/passwd",
        "gopher://a.example/",
        "data:image/png;base64,aaaa",
        "a.example/x.jpg",
        "www.a.example/x.jpg",
        "/x.jpg",
    ],
    (FetchReason.CREDENTIALS, "must not hold a user name or password"): [
        "http://user:password@a.example/",
        "http://user@a.example/",
        "http://:@a.example/",
        "http://127.0.0.1:80@8.8.8.8/",
        "http://8.8.8.8&@127.0.0.1/",
    ],
    (FetchReason.BAD_PORT, "has a port that is not allowed"): [
        "http://a.example:8080/",
        "https://a.example:22/",
        "http://a.example:0/",
        "http://a.example:65616/",  # 80 in 16 bits
        "http://a.example:-80/",
    ],
    (FetchReason.BAD_HOST, "has no host"): ["http:///x.jpg", "http:/a.example/x.jpg", "//", "///x.jpg//a.example"],
    (FetchReason.BAD_HOST, "has no valid host"): [
        "http://localhost/",
        "http://database./",
        "http://a..example/",
        "http://-a.example/",
        "http://a-.example/",
        f"http://{'a' * 64}.example/",
        f"http://{'a.' * 127}example/",
        "http://a b.example/",
        "http://127%2e0.0.1/",  # percent-encoded
        "http://%31%32%37.0.0.1/",
        "http://a.example%00.b.example/",
        "http://2130706433/",  # decimal
        "http://0/",
        "http://0x7f000001/",  # hexadecimal
        "http://0x7f.0x0.0x0.0x1/",
        "http://0X7F.1/",
        "http://0x/",
        "http://017700000001/",
        "http://127.1/",  # short
        "http://127.0.1/",
        "http://127。1/",
        "http://127.0.0.0x1/",
        "http://1.2.3.4.5/",
    ],
    # Not that it is private: which networks are taken is a setting.
    (FetchReason.BLOCKED_ADDRESS, COULD_NOT_BE_FETCHED): [
        "http://127.0.0.1/",
        "http://127.0.0.1./",
        "http://127。0。0。1/",  # ideographic full stops, which IDNA turns into dots
        "http://169.254.169.254/latest/meta-data/",
        "http://10.0.0.1/",
        "http://0.0.0.0/",
        "http://[::]/",
        "http://[::1]/",
        "http://[0:0:0:0:0:0:0:1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[::ffff:7f00:1]/",
        "http://[::127.0.0.1]/",
        "http://[64:ff9b::127.0.0.1]/",
        "http://[2002:7f00:1::]/",
        "http://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/",
        "http://[fe80::1%25eth0]/",
        "http://[2606:4700::1111%25eth0]/",
        "http://[fec0::1]/",
        "http://[3fff::1]/",
        "http://[5f00::1]/",
        "//127.0.0.1/",
    ],
}

TAKEN = {
    "http://a.example": "http://a.example",
    "HTTP://A.Example:80/X.jpg": "http://a.example/X.jpg",
    "https://a.example:443/x.jpg?w=1&h=2#top": "https://a.example/x.jpg?w=1&h=2",
    "https://a_b.example./x.jpg": "https://a_b.example./x.jpg",
    "http://a.example/meine schöne.jpg?ä": "http://a.example/meine%20sch%C3%B6ne.jpg?%C3%A4",
    "http://bücher.example/ü.jpg": "http://xn--bcher-kva.example/%C3%BC.jpg",
    "http://a.example/%2e%2e/%41": "http://a.example/%2e%2e/%41",
    "http://8.8.8.8/x": "http://8.8.8.8/x",
    "http://172.32.0.1/": "http://172.32.0.1/",
    "http://[2606:4700::1111]/": "http://[2606:4700::1111]/",
    "http://8.8.8.8#@127.0.0.1/": "http://8.8.8.8",
    "http://a.example/" + "x" * 4079: "http://a.example/" + "x" * 4079,
    "//cdn.a.example/x.jpg?v=1": "https://cdn.a.example/x.jpg?v=1",
    " \thttp://a.example/x.jpg\r\n": "http://a.example/x.jpg",
}


@pytest.mark.parametrize(("expected", "url"), [(expected, url) for expected, urls in REFUSED.items() for url in urls])
def test_refused(expected: tuple[FetchReason, str], url: str) -> None:
    with pytest.raises(FetchFailed) as failure:
        judged_url(url, FetchPolicy())
    assert (failure.value.reason, failure.value.public) == expected


@pytest.mark.parametrize(("raw", "url"), TAKEN.items())
def test_taken(raw: str, url: str) -> None:
    assert str(judged_url(raw, FetchPolicy())) == url


@pytest.mark.parametrize("url", ["http://localhost:9000/x", "http://10.0.0.1:1/", "http://[::1]:65535/"])
def test_private_hosts_when_they_are_allowed(url: str) -> None:
    assert str(judged_url(url, FetchPolicy(allow_private=True))) == url


@pytest.mark.parametrize("url", ["http://0x7f.1/", "http://a:b@localhost/", "http://[fe80::1%25eth0]/", "ftp://x/"])
def test_odd_urls_stay_refused_when_private_hosts_are_allowed(url: str) -> None:
    with pytest.raises(FetchFailed):
        judged_url(url, FetchPolicy(allow_private=True))


def test_an_allowed_network_opens_itself_alone() -> None:
    policy = FetchPolicy(allow_networks=(ip_network("10.1.0.0/16"), ip_network("fd00::/64")))
    for url in ("http://10.1.2.3/", "http://[fd00::1]/"):
        assert str(judged_url(url, policy)) == url
    for url in (
        "http://10.2.0.0/",
        "http://[fd00:0:0:1::1]/",
        "http://[::ffff:10.1.2.3]/",
        "http://10.1.2.3:81/",
    ):
        with pytest.raises(FetchFailed):
            judged_url(url, policy)
