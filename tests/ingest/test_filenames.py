"""What clients and servers write in `Content-Disposition`, and what the file is called then."""

import time

import pytest

from image_service.ingest.filenames import filename_of, filename_of_url, parameters

NAME = "Ñandú azul.jpg"
HEADERS = {
    "plain": (b'form-data; name="file"; filename="photo.jpg"', "photo.jpg"),
    "without quotes": (b"form-data; name=file; filename=photo.jpg", "photo.jpg"),
    "without quotes, with blanks": (b"form-data; name=file; filename=red shoe.jpg ; x=y", "red shoe.jpg"),
    "names in capitals": (b'Form-Data; NAME="file"; FileName="photo.jpg"', "photo.jpg"),
    "the parameter alone": (b'filename="photo.jpg"', "photo.jpg"),
    "an attachment without a blank": (b"attachment;filename=photo.jpg;", "photo.jpg"),
    "browsers, curl, requests": (f'form-data; name="file"; filename="{NAME}"'.encode(), NAME),
    ".NET": (
        b'form-data; name=file; filename="=?utf-8?B?w5FhbmTDuiBhenVsLmpwZw==?="; '
        b"filename*=utf-8''%C3%91and%C3%BA%20azul.jpg",
        NAME,
    ),
    ".NET, the word alone": (b'form-data; name=file; filename="=?utf-8?B?w5FhbmTDuiBhenVsLmpwZw==?="', NAME),
    "old requests": (b"form-data; name=\"file\"; filename*=utf-8''%C3%91and%C3%BA%20azul.jpg", NAME),
    "aiohttp": (b'form-data; name="file"; filename="%C3%91and%C3%BA%20azul.jpg"', NAME),
    "old Java": (b'form-data; name="file"; filename="\xd1and\xfa azul.jpg"', NAME),
    "PHP on Windows": (b'form-data; name="file"; filename="5 \x80 \x93azul\x94.jpg"', "5 € “azul”.jpg"),
    "Apache's HttpClient": (b'form-data; filename="?and?.jpg"; filename*="UTF-8\'\'%C3%91and%C3%BA%20azul.jpg"', NAME),
    "quoted-printable": (b'form-data; filename="=?UTF-8?Q?=C3=91and=C3=BA_azul.jpg?="', NAME),
    "Latin-1 words": (b'form-data; filename="=?iso-8859-1?Q?=D1and=FA_azul?=.jpg"', NAME),
    "a language": (b'form-data; filename="=?utf-8*es?B?w5FhbmTDuiBhenVsLmpwZw==?="', NAME),
    "several words": (b'form-data; filename="=?utf-8?B?w5FhbmTDug==?= =?utf-8?Q?_azul.jpg?="', NAME),
    "a character in two words": (b'form-data; filename="=?utf-8?B?ww==?= =?utf-8?B?kWFuZMO6IGF6dWwuanBn?="', NAME),
    "Cyrillic in KOI8": (b"attachment; filename*=koi8-r''%C6%CF%D4%CF.jpg", "фото.jpg"),
    "the extended one first": (b"attachment; filename*=UTF-8'es'%C3%91andu.jpg; filename=other.jpg", "Ñandu.jpg"),
    "the extended one not encoded": ("attachment; filename*=UTF-8''Ñandú azul.jpg".encode(), NAME),
    "the extended one broken": (b"attachment; filename*=UTF-8''%FF.jpg; filename=other.jpg", "other.jpg"),
    "of no character set": (b"attachment; filename*=punycode''a-.jpg; filename=other.jpg", "other.jpg"),
    "of a set that nobody has": (b"attachment; filename*=klingon''a.jpg; filename=other.jpg", "other.jpg"),
    "a percent sign": (b'form-data; filename="100% cotton.jpg"', "100% cotton.jpg"),
    "percent signs, not UTF-8": (b'form-data; filename="%D1andu.jpg"', "%D1andu.jpg"),
    "a quote as browsers send it": (b'form-data; filename="5%22 100%.jpg"', '5" 100%.jpg'),
    "a quote as curl sent it": (b'form-data; filename="5\\" screen.jpg"; x=y', '5" screen.jpg'),
    "a quote as nobody should": (b'form-data; filename="5" screen; new.jpg"', '5" screen; new.jpg'),
    "a Windows path": (b'form-data; filename="C:\\users\\new\\photo.jpg"', "C:\\users\\new\\photo.jpg"),
    "a Windows path, escaped": (b'form-data; filename="C:\\\\users\\\\photo.jpg"', "C:\\users\\photo.jpg"),
    "a semicolon": (b'form-data; filename="a;b.jpg"; name="file"', "a;b.jpg"),
    "not closed": (b'form-data; filename="photo.jpg', "photo.jpg"),
    "a broken word": (b'form-data; filename="=?utf-8?B?w?=.jpg"', "=?utf-8?B?w?=.jpg"),
    "a word of no character set": (b'form-data; filename="=?hex?Q?41?=.jpg"', "=?hex?Q?41?=.jpg"),
    "what only looks like a word": (b'form-data; filename="=?C:\\users?=.jpg"', "=?C:\\users?=.jpg"),
    "twice": (b'form-data; filename="a.jpg"; filename="b.jpg"', "a.jpg"),
    "empty": (b'form-data; name="file"; filename=""', ""),
    "none": (b'form-data; name="file"', ""),
    "nothing": (b"", ""),
    "junk": (b'";;=;"="=;;', ""),
}


@pytest.mark.parametrize(("header", "filename"), HEADERS.values(), ids=HEADERS.keys())
def test_the_name_in_a_header(header: bytes, filename: str) -> None:
    assert filename_of(parameters(header)) == filename


def test_every_parameter_is_found() -> None:
    header = b'form-data; name="file"; a=1;b = "2;3" ; junk; filename*=x\'\'y; c'
    assert parameters(header) == {"name": b"file", "a": b"1", "b": b"2;3", "filename*": b"x''y"}


@pytest.mark.parametrize(
    "piece", [b'"', b'" ', b"\\", b";", b"=", b'a="', b"=?", b"=?utf-8?B?w5E=?= ", b"%C3", b"filename=", b" ", b"'"]
)
def test_the_longest_head_takes_no_time(piece: bytes) -> None:
    header = b'form-data; filename="' + piece * (100_000 // len(piece))
    begun = time.process_time()
    filename_of(parameters(header))
    assert time.process_time() - begun < 5  # a tenth of a second; what grows with the square takes minutes


@pytest.mark.parametrize(
    ("url", "end"),
    [
        ("https://a.example/x/%C3%91and%C3%BA%20azul.jpg?v=1", "/x/" + NAME),
        ("https://a.example/x/%D1and%FA%20azul.jpg", "/x/" + NAME),  # Latin-1
        ("https://a.example/x/Ñandú azul.jpg", "/x/" + NAME),
        ("https://a.example/100%25.jpg", "/100%.jpg"),
        ("https://a.example/100%.jpg", "/100%.jpg"),
        ("https://a.example", ""),
    ],
)
def test_the_name_in_a_url(url: str, end: str) -> None:
    assert filename_of_url(url) == end
