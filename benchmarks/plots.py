"""The published figures as pictures, for the README."""

import json
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

import matplotlib as mpl

from benchmarks.contenders import peers as others
from benchmarks.contenders.service import NAME
from benchmarks.places import PLOTS, RESULTS

mpl.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.ticker import MaxNLocator

OURS, PEER, LIMIT = "#1f6feb", "#8b949e", "#d0d7de"
ACCENTS = ("#1f6feb", "#bf3989", "#bf8700", "#57606a")
LEAST, TICKS = 0.5, (0.5, 0.7, 1, 1.4, 2)
INK, FAINT = "#1f2328", "#656d76"
LIMITS = {
    "bare ASGI",
    "nginx, plain file",
    "decode, encode",
    "libvips thumbnail",
    "bare steps",
    "caged steps",
    "raw body",
    "bare asyncpg",
}
STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "text.color": INK,
    "axes.labelcolor": FAINT,
    "axes.edgecolor": LIMIT,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": FAINT,
    "ytick.color": INK,
    "legend.frameon": False,
    "savefig.dpi": 150,
    "savefig.facecolor": "white",
}
Rows = Mapping[str, Any]


def render() -> None:
    """All of those whose rows are published."""
    limits, peers = _published("limits.json"), _published("peers.json")
    best = {**limits, **peers}  # where both have a row, the one with more contenders
    PLOTS.mkdir(parents=True, exist_ok=True)
    with mpl.rc_context(STYLE):
        _bars("cold", "A picture rendered for the first time", best, ("cold-jpg", "cold-webp", "cold-avif"))
        _bars("reads", "Pictures and lists that are there", best, ("warm", "warm-304", "warm-range", "list"))
        _bars("uploads", "Uploads", best, ("upload", "upload-base64"))
        if {"cold-soon", "catalogue"} <= peers.keys():
            _photos(peers["cold-soon"], peers["catalogue"])
        if "overload" in limits:
            _overload(limits["overload"])
        if "bytes" in peers:
            _bytes(peers["bytes"])


def _published(name: str) -> Rows:
    path = RESULTS / name
    found: Rows = json.loads(path.read_text()) if path.exists() else {}
    return found


def _bars(name: str, title: str, rows: Rows, wanted: Sequence[str]) -> None:
    """One panel a row; the longest bar is the quickest."""
    found = [rows[row] for row in wanted if row in rows]
    if not found:
        return
    heights = [len(row["figures"]) + 1.6 for row in found]
    fig, axes = plt.subplots(
        len(found),
        1,
        figsize=(8, 0.36 * sum(heights) + 0.7),
        height_ratios=heights,
        squeeze=False,
        layout="constrained",
    )
    fig.suptitle(f"{title}: requests a second", x=0.01, ha="left", fontsize=13, fontweight="bold")
    for axis, row in zip(axes[:, 0], found, strict=True):
        _panel(axis, row)
    _save(fig, name, found, "Light bars are limits. Medians of the rounds; lines from the slowest to the fastest.")


def _panel(axis: Any, row: Rows) -> None:
    figures = sorted((each for each in row["figures"] if each["wrong"] == 0), key=lambda each: each["rate"])
    places, rates = range(len(figures)), [each["rate"] for each in figures]
    axis.barh(places, rates, color=[_colour(each["contender"]) for each in figures], height=0.66)
    for place, each in enumerate(figures):
        axis.plot([each["slowest"], each["fastest"]], [place, place], color=INK, linewidth=0.8, alpha=0.6)
        end = max(each["rate"], each["fastest"])
        axis.annotate(
            f"{each['rate']:,.0f}" if each["rate"] >= 10 else f"{each['rate']:.1f}",
            (end, place), (5, 0), textcoords="offset points", va="center",
        )  # fmt: skip
    axis.set_yticks(places, [each["contender"] for each in figures])
    axis.set_xlim(0, 1.15 * max(each["fastest"] for each in figures))
    axis.set_title(row["title"], fontsize=10)
    axis.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    axis.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axis.tick_params(length=0)


def _colour(contender: str) -> str:
    if contender.startswith(NAME) or contender == "nginx before it":
        return OURS
    return LIMIT if contender in LIMITS else PEER


def _photos(soon: Rows, catalogue: Rows) -> None:
    """CPU: the shortest bar is the best."""
    kinds = list(dict.fromkeys(each["contender"].split(", ")[1] for each in soon["figures"]))[::-1]
    whole = sorted(catalogue["figures"], key=lambda each: -each["cpu_ms"])
    heights = [len(kinds) + 1, len(whole) * 0.6 + 1]
    fig = plt.figure(figsize=(9, 0.5 * sum(heights)), layout="constrained")
    fig.suptitle("Photos of today: CPU of all processes", x=0.01, ha="left", fontsize=13, fontweight="bold")
    grid = fig.add_gridspec(2, 2, height_ratios=heights)
    for place, format_ in enumerate(("jpg", "webp")):
        axis = fig.add_subplot(grid[0, place])
        for name, colour, shift in ((NAME, OURS, 0.2), (others.IPX, PEER, -0.2)):
            found = {each["contender"]: each["cpu_ms"] for each in soon["figures"]}
            cpu = [found[f"{name}, {kind}, {format_}"] for kind in kinds]
            axis.barh([row + shift for row in range(len(kinds))], cpu, color=colour, height=0.36)
            for row, each in enumerate(cpu):
                axis.annotate(
                    f"{each:.0f}", (each, row + shift), (4, 0), textcoords="offset points", va="center", fontsize=8
                )
        axis.set_yticks(range(len(kinds)), kinds if place == 0 else [""] * len(kinds))
        axis.margins(x=0.12)
        axis.set_title(f"640 soon after the upload, as {format_}: ms", fontsize=9)
        axis.tick_params(length=0)
    axis = fig.add_subplot(grid[1, :])
    axis.barh(
        range(len(whole)), [each["cpu_ms"] for each in whole], color=[_colour(each["contender"]) for each in whole]
    )
    for row, each in enumerate(whole):
        axis.annotate(f"{each['cpu_ms']:,.0f}", (each["cpu_ms"], row), (4, 0), textcoords="offset points", va="center")
    axis.set_yticks(range(len(whole)), [each["contender"] for each in whole])
    axis.set_title(f"{catalogue['title'].partition(';')[0]}: ms", fontsize=10)
    axis.tick_params(length=0)
    how = "Blue: image-service with its PostgreSQL, below with the upload too. Grey, above: ipx. Medians of the rounds."
    _save(fig, "photos", [soon, catalogue], how)


def _overload(row: Rows) -> None:
    steps = row["steps"]
    offered = [step["offered"] for step in steps]
    fig, (served, waited) = plt.subplots(2, 1, figsize=(9, 6.2), sharex=True, layout="constrained")
    fig.suptitle("Overload: cold pictures asked for at a rate", x=0.01, ha="left", fontsize=13, fontweight="bold")
    served.plot(offered, offered, color=LIMIT, linestyle="--", label="offered")
    for (key, label), colour in zip((("served", "served"), ("refused", "503 with Retry-After")), ACCENTS, strict=False):
        served.plot(offered, [step[key] for step in steps], color=colour, marker="o", markersize=4, label=label)
    served.set_title("Answers a second")
    series = (("p99_list", "lists meanwhile"), ("p99_warm", "warm pictures meanwhile"), ("p99_refused", "refusals"))
    for (key, label), colour in zip((("p99_served", "rendered pictures"), *series), ACCENTS, strict=True):
        waited.plot(offered, [step[key] for step in steps], color=colour, marker="o", markersize=4, label=label)
    waited.axhline(50, color=LIMIT, linestyle="--")
    waited.annotate("50 ms", (offered[0], 50), (0, 4), textcoords="offset points", color=FAINT, fontsize=9)
    waited.set_yscale("log")
    waited.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}" if value >= 1 else f"{value:g}")
    waited.set_title("p99, milliseconds")
    waited.set_xlabel("cold pictures asked for, a second")
    for axis in (served, waited):
        axis.set_xscale("log")
        axis.set_xticks(offered, [f"{value:,.0f}" for value in offered])
        axis.minorticks_off()
        axis.grid(axis="y", color=LIMIT, linewidth=0.6)
        axis.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize=9)
    _save(
        fig,
        "overload",
        [row],
        "At each rate for some seconds; every request on time, whatever came back of those before.",
    )


def _bytes(row: Rows) -> None:
    """A dot a photo and width; the line is their median. Dots at the left edge: sharp is as good at no quality."""
    fig, axes = plt.subplots(1, 2, figsize=(9, 3.6), sharey=True, layout="constrained")
    fig.suptitle(
        "Bytes of real photos, over sharp's at equal quality", x=0.01, ha="left", fontsize=13, fontweight="bold"
    )
    formats = ["avif, ahead", "avif", "webp", "jpg"]
    for axis, measure, title in zip(axes, ("ssimulacra2", "butteraugli"), ("SSIMULACRA2", "butteraugli"), strict=True):
        axis.axvline(1, color=LIMIT, linewidth=2)
        for place, format_ in enumerate(formats):
            found = [each for each in row["weighed"] if each["format"] == format_ and not each["encoder_alone"]]
            ratios = [max(each[f"by_{measure}"] or 0.0, LEAST) for each in found]
            colours = [OURS if each["width"] == max(one["width"] for one in found) else PEER for each in found]
            axis.scatter(ratios, [place] * len(ratios), color=colours, s=26, alpha=0.75, zorder=3)
            axis.plot([median(ratios)] * 2, [place - 0.3, place + 0.3], color=INK)
        axis.set_xscale("log")
        axis.set_xlim(LEAST * 0.95, 2.7)
        axis.set_xticks(TICKS, [f"{tick:g}" for tick in TICKS])
        axis.minorticks_off()
        axis.set_yticks(range(len(formats)), formats)
        axis.tick_params(length=0)
        axis.set_title(f"by {title}")
    how = (
        "Left of 1 ours are lighter. Blue: 640 wide, grey: 320; lines: medians. "
        "At the left edge: sharp is as good at no quality."
    )
    _save(fig, "bytes", [row], how)


def _save(fig: Any, name: str, rows: Sequence[Rows], how: str) -> None:
    """With the date and the machine below it."""
    machine = rows[0]["machine"]
    busy = (
        f", other work on the machine (load {machine['load']:.1f})" if machine["load"] > 0.5 * machine["cores"] else ""
    )
    words = f"{machine['date']}, {machine['cpu']}, {machine['cores']} cores{busy}.\n{how}"
    fig.supxlabel(words, x=0.01, ha="left", fontsize=8, color=FAINT)
    fig.savefig(PLOTS / f"{name}.png")
    plt.close(fig)
