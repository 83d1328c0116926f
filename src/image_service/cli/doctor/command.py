"""`image-service doctor`."""

import typer
from rich.text import Text

from image_service.cli.console import Json, out, print_json
from image_service.cli.doctor.findings import Finding, Level
from image_service.telemetry import logs

STYLES = {Level.OK: "green", Level.WARN: "yellow", Level.FAIL: "bold red"}


def doctor(as_json: Json = False) -> None:
    """Check settings, database, storage, disks, clocks, pixel processes, and the service if it runs.

    Says what is wrong and how to mend it. Give it the environment of `serve`. It changes nothing: a PostgreSQL of its
    own that does not run is started, and stopped again.

    Exits 0 if nothing has failed (a warning is no failure), else 1.
    """
    from image_service.cli.doctor.examination import examine  # noqa: PLC0415 - other commands have no use for all that

    logs.configure("error")
    findings = examine()
    if as_json:
        print_json({"ok": _is_well(findings), "findings": [vars(each) for each in findings]})
    else:
        for each in findings:
            out.print(Text.assemble((f"{each.level:4}", STYLES[each.level]), f"  {each.check}: {each.found}"))
            if each.mend:
                out.print(Text(f"      {each.mend}"))
    raise typer.Exit(0 if _is_well(findings) else 1)


def _is_well(findings: list[Finding]) -> bool:
    return all(each.level is not Level.FAIL for each in findings)
