"""`python -m benchmarks [ROW …]`: measure, print, and write what was found."""

import argparse
import signal
import sys
from collections.abc import Callable
from dataclasses import replace

from benchmarks import plots, report
from benchmarks.contenders import peers
from benchmarks.contenders.nginx import NginxMissing
from benchmarks.machine import this_machine
from benchmarks.measure import Result
from benchmarks.processes import NotStarted
from benchmarks.real_photos import PhotosMissing
from benchmarks.rows import (
    cold,
    equal_quality,
    growth,
    kept,
    kinds,
    lists,
    overload,
    photos,
    quality,
    search,
    start,
    uploads,
    warm,
    webhooks,
)
from benchmarks.run import Run
from benchmarks.stock import NotStocked
from benchmarks.wrk import WrkMissing

ROWS: dict[str, Callable[[Run], Result]] = {
    "cold-jpg": cold.jpg,
    "cold-webp": cold.webp,
    "cold-avif": cold.avif,
    "cold-kinds": kinds.kinds,
    "cold-soon": photos.soon,
    "cold-soon-real": photos.soon_real,
    "catalogue": photos.catalogue,
    "catalogue-real": photos.catalogue_real,
    "kept": kept.costs,
    "quality": quality.likeness,
    "bytes": equal_quality.equal,
    "warm": warm.whole,
    "warm-304": warm.not_modified,
    "warm-range": warm.part,
    "warm-nginx": warm.through_nginx,
    "list": lists.million,
    "list-once": lists.once,
    "upload": uploads.photo,
    "upload-12mp": uploads.large_photo,
    "upload-base64": uploads.in_base64,
    "upload-told": webhooks.told,
    "memory": uploads.memory,
    "growth": growth.to_a_million,
    "growth-10m": growth.to_ten_millions,
    "search": search.hundred_thousand,
    "start": start.times,
    "overload": overload.curve,
}
# Its rows take 20 minutes and 8 GB to make; photos and sharp are fetched.
ONLY_WHEN_NAMED = {"growth-10m", "cold-soon-real", "catalogue-real", "bytes"}
MISSING = (
    WrkMissing,
    NginxMissing,
    peers.PeerMissing,
    PhotosMissing,
    equal_quality.ButteraugliMissing,
    NotStarted,
    NotStocked,
)
PHOTOS = ["cold-soon", "cold-soon-real", "catalogue", "catalogue-real"]
WITH_PEERS = ["cold-jpg", "cold-webp", "cold-avif", "quality", "bytes", "warm", "list", "upload", *PHOTOS]


def main() -> int:
    arguments = _arguments()
    usual = WITH_PEERS if arguments.peers else [name for name in ROWS if name not in ONLY_WHEN_NAMED]
    names = [name for given in arguments.rows for name in given.split(",") if name] or usual
    unknown = sorted(set(names) - set(ROWS))
    if unknown:
        sys.stderr.write(f"no such row: {', '.join(unknown)}. There are: {', '.join(ROWS)}\n")
        return 2
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: what was started is ended
    run = Run(arguments.rounds, arguments.seconds, arguments.requests, arguments.peers)
    machine = this_machine()
    results = []
    try:
        if arguments.peers:
            (peers.install_renderers if set(names) <= {*PHOTOS, "bytes"} else peers.install)()
        for name in names:
            run.say(f"{name} …")
            result = ROWS[name](run)
            if arguments.peers:
                result = replace(result, notes=[f"Peers: {peers.versions()}."])
            results.append(result)
            sys.stdout.write(report.table(result))
            sys.stdout.flush()
    except KeyboardInterrupt:
        return 130
    except MISSING as error:
        sys.stderr.write(f"{error}\n")
        return 1
    finally:
        if results:
            sys.stdout.write(f"\nWritten to {report.write(machine, results)}\n")
    if arguments.publish or not arguments.rows:
        report.publish(machine, results, peers=run.peers)
        plots.render()
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks", description="Measure the service against its limits.")
    parser.add_argument("rows", nargs="*", help=f"of: {', '.join(ROWS)}")
    parser.add_argument("--peers", action="store_true", help="against thumbor, ipx and Directus too")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0, help="of a contender's load in a round")
    parser.add_argument("--requests", type=int, default=48, help="in a round, where each is asked once")
    parser.add_argument("--publish", action="store_true", help="write to benchmarks/results and docs/benchmarks too")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
