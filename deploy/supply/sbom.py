"""Adds the libraries within the libvips wheel to a bill of materials (CycloneDX) that uv has made of uv.lock.

    uv export --format cyclonedx1.5 … | python deploy/supply/sbom.py > sbom.json

They are what pictures are opened with, and no lock file names them: the installed libvips is asked. Of libheif and
libwebp it does not know the versions; they are listed without.
"""

import json
import subprocess
import sys

ABOUT = (sys.executable, "-I", "-m", "image_service.pixels.about")
PACKAGES = ("pyvips", "pyvips-binary")  # which uv.lock names
SILENT = ("libheif", "libwebp")


def main() -> None:
    bill = json.load(sys.stdin)
    about = json.loads(subprocess.run(ABOUT, check=True, capture_output=True).stdout)  # noqa: S603
    versions = dict.fromkeys(SILENT, "") | about["versions"]
    within = [component(name, version) for name, version in sorted(versions.items()) if name not in PACKAGES]
    [wheel] = [each["bom-ref"] for each in bill["components"] if each["name"] == "pyvips-binary"]
    bill["components"] += within
    for each in bill["dependencies"]:
        if each["ref"] == wheel:
            each["dependsOn"] = [*each.get("dependsOn", ()), *(part["bom-ref"] for part in within)]
    bill["dependencies"] += [{"ref": part["bom-ref"]} for part in within]
    json.dump(bill, sys.stdout, indent=2)
    sys.stdout.write("\n")


def component(name: str, version: str) -> dict[str, str]:
    found = {"type": "library", "bom-ref": f"within-pyvips-binary-{name}", "name": name}
    return found | ({"version": version, "purl": f"pkg:generic/{name}@{version}"} if version else {})


if __name__ == "__main__":
    main()
