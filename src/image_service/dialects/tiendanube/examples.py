"""The examples of Tiendanube's document, and a few similar ones."""

from typing import Any

_SRC = "http://d26lpennugtm8s.cloudfront.net/stores/001/234/products/{}-640-0.{}"


def _image(id_: int, name: str, ext: str, position: int, created: str, updated: str) -> dict[str, Any]:
    return {
        "id": id_,
        "src": _SRC.format(name, ext),
        "position": position,
        "product_id": 1234,
        "created_at": created,
        "updated_at": updated,
    }


_2013 = ("2013-01-03T09:11:51-03:00", "2013-03-11T09:14:11-03:00")
SERVINE = _image(101, "servine", "jpg", 1, *_2013)
ONYX = _image(112, "onyx", "jpg", 2, *_2013)
STOUTLAND = _image(123, "stoutland", "jpg", 3, *_2013)
CHARMANDER = _image(134, "charmander", "jpg", 4, "2013-04-12T09:14:11-03:00", "2013-04-12T09:14:11-03:00")
MOVED = _image(145, "mewtwo", "gif", 1, "2013-01-03T09:11:51-03:00", "2013-03-11T09:14:16-03:00")
ORPHAN = {**SERVINE, "position": None, "product_id": None}

# The document's attachment, with the raw line breaks that the document prints inside it.
MEWTWO_GIF = """R0lGODlhIAAgAPIAAPj4+MCgyHh4eGBgWLgomEBAQP///wAAACH/C05FVFNDQVBFMi4wAwEAAAAh
/hFwb2tlZ3VpZGUuZmlsYi5kZQAh+QQJEQAGACwAAAAAIAAgAAADj2i63P4wykmrvTjrzbv/YNgU
BUN+BUCuQFB2JNCmgeulbV2/y3rhup2pReBJgDuhgkYoUnA5mm0ZaBojyAJBadAWr8fgylXSgrEF
Mim5M1uka3H8VEm7BOmx3T59lvFVRWJcbyRNgjo+GAMCjQOHAzoDGoyOBgOYmAGTG5kOkZsil0Gc
IQMyNaUgmaqirhcJACH5BAkRAAYALAAAAAAgACAAAAOLaLrc/jDKSau9OOvNu/9gKEpFwZRfAZQs
EJhdCbhq8Hqqa9tww1a5Hc9RI/QgQd7w5CIYSTNd7XYKOI+PZIGwXGyNWKSQ9UIZtmExq6DclZ5A
KXtc4qWzPAGbPJ9TKSgFelZGY10VAyxOhW5mFgMCkQMDiwM7AxuTmAaamgGTI5aXoTM2myGdI6oa
CQA7"""

CREATE = {
    # First, because forms offer the first example: it works without any other host.
    "attachment": {
        "summary": "In base64",
        "value": {"filename": "mewtwo.gif", "position": 5, "attachment": MEWTWO_GIF},
    },
    "url": {"summary": "From a URL", "value": {"src": "http://example.com/charmander.jpg"}},
    "assign": {"summary": "An image on no product", "value": {"image_id": 157324, "position": 1}},
}
UPDATE = {
    "move": {
        "summary": "Move it to the front",
        "value": {"id": 145, "src": _SRC.format("mewtwo", "gif"), "position": 1, "product_id": 1234},
    },
    "alt": {"summary": "Describe it", "value": {"alt": {"en": "A red shoe", "es": "Un zapato rojo"}}},
    "replace": {"summary": "Replace its bytes", "value": {"src": "http://example.com/charmander.jpg"}},
}
