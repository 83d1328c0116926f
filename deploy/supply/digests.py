"""Pins each base image of Dockerfile and docker-compose.yml to the digest that its registry has for the tag today.

    make digests

Needs `docker` with buildx, and a network. Nothing is written unless every image could be looked up.
"""

import re
import subprocess
import sys
from pathlib import Path

FILES = ("Dockerfile", "docker-compose.yml")
# `FROM` of an image (not of an earlier stage), or `image:` of one that is not built here: both have a tag.
IMAGE = re.compile(r"^(FROM|\s+image:) ([^\s:@]+:[^\s@]+)(@sha256:[0-9a-f]{64})?", re.MULTILINE)
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def main() -> int:
    texts = {Path(name): Path(name).read_text() for name in FILES}
    images = sorted({match[2] for text in texts.values() for match in IMAGE.finditer(text)})
    try:
        digests = {image: looked_up(image) for image in images}
    except OSError as error:
        sys.stderr.write(f"{error}\nNothing was changed: the tags stay as they are.\n")
        return 1
    for path, text in texts.items():
        path.write_text(IMAGE.sub(lambda match: f"{match[1]} {match[2]}@{digests[match[2]]}", text))
    sys.stdout.write("".join(f"{image}@{digest}\n" for image, digest in digests.items()))
    return 0


def looked_up(image: str) -> str:
    """Of the index of all architectures. Raises `OSError`."""
    command = ("docker", "buildx", "imagetools", "inspect", "--format", "{{.Manifest.Digest}}", image)
    done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603 - names of our own files
    digest = done.stdout.strip()
    if done.returncode != 0 or not DIGEST.fullmatch(digest):
        raise OSError(f"{image} could not be looked up: {done.stderr.strip() or digest or 'no answer'}")
    return digest


if __name__ == "__main__":
    sys.exit(main())
