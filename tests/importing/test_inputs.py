"""What is read out of a CSV file and of a folder, and what is refused of it."""

from pathlib import Path
from typing import Any

import pytest

from image_service.cli.importing.csv_file import CsvFile, columns_in
from image_service.cli.importing.folder import Folder
from image_service.cli.importing.rows import BadRow, Row


def rows(path: Path, data: bytes) -> list[Row | BadRow]:
    path.write_bytes(data)
    file = CsvFile(path)
    found = list(file.rows())
    assert file.survey() == len(found)
    return found


def row(path: Path, data: bytes) -> Row:
    [found] = rows(path, data)
    assert isinstance(found, Row), found
    return found


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "photos.csv"


@pytest.mark.parametrize(
    "data",
    [
        b"product_id,path,position,alt\n7,a.jpg,2,Caf\xc3\xa9\n",
        b"\xef\xbb\xbfproduct_id;path;position;alt\r\n7;a.jpg;2;Caf\xc3\xa9\r\n",
        b"SKU\tPosition\tALT\tPath\tProduct ID\r\nx\t2\tCaf\xc3\xa9\ta.jpg\t7",
        b'product_id,alt,path,position\n\n,,,\n" 7 ",Caf\xc3\xa9,"a.jpg",2\n',
        b"sep=;\r\nproduct_id;path;position;alt\r\n7;a.jpg;2;Caf\xc3\xa9\r\n",
        b'\xef\xbb\xbf"sep=|"\nproduct_id|path|position|alt\n7.0|a.jpg|2.00|Caf\xc3\xa9\n',
        "product_id\tpath\tposition\talt\r\n7\ta.jpg\t2\tCafé\r\n".encode("utf-16"),
        b'"Notes\n(internal)",product_id,path,position,alt\nx,7,a.jpg,2,Caf\xc3\xa9\n',
        b'"Product\r\nID";"Path";"Position\n";"Alt";"Notes, ""in""\nof us"\r\n7;a.jpg;2;Caf\xc3\xa9;x\r\n',
        'sep=;\r\n"Notes\n(inner)";product_id;path;position;alt\r\n;7;a.jpg;2;Café\r\n'.encode("utf-16"),
        b"\xfe\xff" + "sep=,\nproduct_id,path,position,alt\n7,a.jpg,2.0,Café\n".encode("utf-16-be"),
    ],
)
def test_a_row_however_it_is_written(path: Path, data: bytes) -> None:
    found = row(path, data)
    assert (found.product_id, found.source, found.position, found.alt) == (7, "a.jpg", 2, "Café")
    assert found.path == path.parent / "a.jpg"


def test_a_url_texts_in_languages_and_a_path_that_is_absolute(path: Path) -> None:
    found = row(path, "product_id,src,alt_es,alt_pt_BR\n7,https://a.example/x.jpg,Taza,Xícara\n".encode())
    assert (found.source, found.path) == ("https://a.example/x.jpg", None)
    assert found.alt == {"es": "Taza", "pt-br": "Xícara"}
    assert row(path, b"product_id,src,path\n7,,/srv/a.jpg\n").path == Path("/srv/a.jpg")


def test_urls_as_spreadsheets_hold_them(path: Path) -> None:
    for src in ("https://a.example/foto azul.jpg", "HTTP://a.example/x?a=b, c", "//a.example/x.jpg"):
        assert row(path, f'product_id,src\n7," {src} "\n'.encode()).source == src


@pytest.mark.parametrize("between", [" ", ",", ", ", ";", "|", "\n"])
def test_several_urls_in_a_cell_are_said_to_be_several(path: Path, between: str) -> None:
    [found] = rows(path, f'product_id,src\n7,"https://a.example/x.jpg{between}http://a.example/y.jpg"\n'.encode())
    assert isinstance(found, BadRow)
    assert found.reason == "src holds several URLs: each needs a row of its own"


def test_columns_of_other_names_are_mapped(path: Path) -> None:
    path.write_bytes("Number;Image Src;src;Título\n7;https://a.example/x.jpg;old;Taza\n".encode())
    columns = columns_in(['product_id=Number, src="Image Src"', "alt=Título"])
    file = CsvFile(path, columns)
    [found] = file.rows()
    assert isinstance(found, Row)
    assert (found.product_id, found.source, found.alt) == (7, "https://a.example/x.jpg", "Taza")
    assert file.ignored == ["src (not mapped)"]
    with pytest.raises(ValueError, match="has no column nr; it has number, image_src, src, título"):
        CsvFile(path, columns_in(["product_id=Number,src=Nr"])).survey()
    with pytest.raises(ValueError, match="has no column nr in its first line"):
        CsvFile(path, columns_in(["product_id=Nr"])).survey()
    assert columns_in(['"src=Image, Src"']) == {"src": "Image, Src"}
    for wrong in ("src", "src=", "=Number", "price=Number"):
        with pytest.raises(ValueError, match="--map wants"):
            columns_in([wrong])
    with pytest.raises(ValueError, match="twice"):
        columns_in(["src=A", "src=B"])


def test_rows_are_numbered_as_a_spreadsheet_numbers_them(path: Path) -> None:
    found = rows(path, b'product_id,path,alt\n1,a.jpg,"two\nlines"\n\n2,b.jpg,\n')
    assert [(each.number, each.source) for each in found] == [(2, "a.jpg"), (4, "b.jpg")]
    assert row(path, b"sep=,\nproduct_id,path\n1,a.jpg\n").number == 3
    header = b'product_id,"path\n","Notes\n(of ""us"")",position\n'
    [good, bad] = rows(path, b"sep=,\n" + header + b"1,a.jpg,,\n\n1,b.jpg,,no\n")
    assert (good.number, bad.number) == (3, 5)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ("x,a.jpg,,,,", "product_id must be a whole number from 1"),
        ("1.5,a.jpg,,,,", "product_id must be a whole number from 1"),
        ("0,a.jpg,,,,", "product_id must be a whole number from 1"),
        ("9223372036854775808,a.jpg,,,,", "product_id must be a whole number from 1"),
        ("1,,,,,", "has neither a src nor a path"),
        ("1,a.jpg,https://a.example/,,,", "has both a src and a path"),
        ("1,,a.jpg,,,", "src must be an http:// or https:// URL; files go into a column path"),
        ("1,a.jpg,,0,,", "position must be a whole number from 1 to 10000"),
        ("1,a.jpg,,,one,uno", "has both an alt and one for a language"),
        ("1,a.jpg,,,one,,more", "has more fields than there are columns"),
    ],
)
def test_a_row_that_cannot_be_sent_says_why(path: Path, values: str, reason: str) -> None:
    [found] = rows(path, f"product_id,path,src,position,alt,alt_es\n{values}\n".encode())
    assert isinstance(found, BadRow)
    assert (found.number, found.reason) == (2, reason)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "has no column product_id"),
        (b"id,path\n1,a.jpg\n", "has no column product_id"),
        (b"product_id,alt\n1,x\n", "has no column src (a URL) and no column path (a file)"),
        (b"product_id,path,Path\n1,x,y\n", "has the column path twice"),
        (b"product_id,path\n1,caf\xe9.jpg\n", "is not in UTF-8"),
        (b"product_id,path\n1," + b"x" * 200_000, "cannot be read as CSV: row 2: a cell has more than 131,072"),
        (b'product_id,path,note\n1,a.jpg,"5 in.\n2,b.jpg,\n', "cannot be read as CSV: row 2: a quote opens a cell"),
        (b'product_id,path,"note\n1,a.jpg,x\n', "cannot be read as CSV: row 1: a quote opens a cell"),
        (b'product_id,path\n1,"a.jpg"\n\n2,"b.jpg\n"3","c.jpg"\n', "row 4: a cell goes on after its closing quote"),
        (b'product_id,path,note\n1,a.jpg,"two\nlines"\n2,b.jpg,"19" rack"\n', "row 3: a cell goes on after its"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(path: Path, data: bytes, said: str) -> None:
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"photos\.csv") as raised:
        CsvFile(path).survey()
    assert said in str(raised.value)


@pytest.mark.parametrize(
    "text",
    [
        '7,a.jpg,"5 in,x\n7,b.jpg,x,\n7,c.jpg,19",x',
        '7,a.jpg,"5 in,x\n7,b.jpg,19",x',
        '7,a.jpg,x,"5 in\n7,https://a.example/b,x,19"',
        '7,a.jpg,x,"5 in\n7,b.jpg,x,y\n\n"',
    ],
)
def test_a_quote_that_one_in_a_later_row_seems_to_close(path: Path, text: str) -> None:
    path.write_text(f"product_id,path,alt,note\n7,0.jpg,,\n{text}\n")
    with pytest.raises(ValueError, match="row 3: a cell holds another row: is its closing quote missing"):
        CsvFile(path).survey()


def test_texts_of_several_lines(path: Path) -> None:
    texts = ("Red, blue\nand, in a row, more", "As in\nhttps://a.example/x.jpg", "one\na.jpg, b.jpg", "one\r\n\r\n,,,")
    found = rows(path, "\n".join(("product_id,path,note,alt", *(f'7,a.jpg,,"{text}"' for text in texts))).encode())
    assert [each.alt for each in found if isinstance(each, Row)] == list(texts)


def test_quotes_that_belong_to_a_cell(path: Path) -> None:
    cells = (b'"7","a.jpg","a 19"" rack, ""new"""', b'7,b.jpg,19" rack', b'7,c.jpg,""')
    found = rows(path, b"\r\n".join((b"product_id,path,alt", *cells)))
    assert [each.alt for each in found if isinstance(each, Row)] == ['a 19" rack, "new"', '19" rack', None]


def test_columns_that_are_not_known_are_named(path: Path) -> None:
    path.write_bytes(b"SKU,product_id,path,Brand Name\n")
    file = CsvFile(path)
    assert file.survey() == 0
    assert file.ignored == ["sku", "brand_name"]


def test_a_folder_of_products(tmp_path: Path) -> None:
    for name in ("10/b.jpg", "9/10.jpg", "9/2.jpg", "9/.hidden", "9/Thumbs.db", "loose.jpg", "shoes/a.jpg", "9/more/x"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = list(Folder(tmp_path).rows())
    assert Folder(tmp_path).survey() == len(found) == 6
    good: list[Any] = [(each.product_id, each.source) for each in found if isinstance(each, Row)]
    assert good == [(9, "9/2.jpg"), (9, "9/10.jpg"), (10, "10/b.jpg")]
    assert {each.source: each.reason for each in found if isinstance(each, BadRow)} == {
        "9/more": "is a folder in a product's folder, which is not read",
        "loose.jpg": "is in no product's folder",
        "shoes": "the name of a folder must be a product's id",
    }
