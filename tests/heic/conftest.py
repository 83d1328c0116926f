"""Collected where HEIC's decoder is installed alone: `make test-heic`, which `.ci/run` calls."""

from importlib.util import find_spec

from image_service.pixels.picture import HEIC_DECODER

collect_ignore_glob = [] if find_spec(HEIC_DECODER) else ["test_*.py"]
