"""What docs/uploads.md prints."""

import re

from tests.deploy.files import ROOT

DOCS = (ROOT / "docs" / "uploads.md").read_text()


def block(language: str, with_text: str = "") -> str:
    """The one block of code in this language that has this text in it."""
    found = re.findall(rf"^```{language}\n(.*?)^```", DOCS, re.MULTILINE | re.DOTALL)
    [code] = [each for each in found if with_text in each]
    return str(code)
