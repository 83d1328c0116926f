"""Which image of the gallery each entry of a list names. Pure.

No image is named twice: of several that an entry could mean it gets the first that is left. So a picture may stand in a
list, and in a gallery, more than once. Once a gallery is as its list says, every entry finds the image that it had.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence

from image_service.galleries.entries import Target, source_of
from image_service.images.queries import Image

Name = tuple[str, Hashable]


def matched(targets: Sequence[Target], images: Sequence[Image]) -> dict[int, Image]:
    """By the entry's index; `images` by position. By id first, then by the bytes, then by where they came from."""
    found: dict[int, Image] = {}
    by_id = {image.id: image for image in images}
    for target in targets:
        if target.id is not None and target.id in by_id:
            found[target.index] = by_id.pop(target.id)
    for target in targets:
        if target.named is not None:
            image = by_id.get(target.named[0])
            if image is not None and image.key == target.named[1]:
                found[target.index] = by_id.pop(image.id)
    left = list(by_id.values())
    open_targets = [each for each in targets if each.index not in found and (each.sha256 or each.url)]
    if _may_cross(open_targets, left):
        found |= _in_order(open_targets, left)
    for name_of, names_of in ((_sha256_of, _bytes_of), (_url_of, _source_of)):
        taken = {image.id for image in found.values()}
        rest = [each for each in open_targets if each.index not in found]
        found |= _first_come(rest, [image for image in left if image.id not in taken], name_of, names_of)
    return found


def _sha256_of(target: Target) -> Hashable:
    return target.sha256


def _bytes_of(image: Image) -> Hashable:
    return image.sha256


def _url_of(target: Target) -> Hashable:
    return None if target.url is None else source_of(target.url)


def _source_of(image: Image) -> Hashable:
    return None if image.source_url is None else source_of(image.source_url)


def _first_come(
    targets: Iterable[Target],
    images: Iterable[Image],
    name_of: Callable[[Target], Hashable],
    names_of: Callable[[Image], Hashable],
) -> dict[int, Image]:
    """The first entry that names something gets the first image that is it, and so on."""
    waiting: dict[Hashable, list[Image]] = defaultdict(list)
    for image in images:
        waiting[names_of(image)].append(image)
    found = {}
    for target in targets:
        name = name_of(target)
        if name is not None and waiting.get(name):
            found[target.index] = waiting[name].pop(0)
    return found


def _may_cross(targets: Sequence[Target], images: Sequence[Image]) -> bool:
    """Whether some image is what one entry names by its bytes, and another by its source."""
    digests = {each.sha256 for each in targets if each.sha256}
    sources = {_url_of(each) for each in targets if each.url}
    return any(image.sha256 in digests and _source_of(image) in sources for image in images)


def _in_order(targets: Sequence[Target], images: Sequence[Image]) -> dict[int, Image]:
    """As many as can be without moving any: the longest common subsequence, from the front."""
    means = [[_means(target, image) for image in images] for target in targets]
    longest = [[0] * (len(images) + 1) for _ in range(len(targets) + 1)]
    for i in reversed(range(len(targets))):
        for j in reversed(range(len(images))):
            taken = longest[i + 1][j + 1] + 1 if means[i][j] else 0
            longest[i][j] = max(taken, longest[i + 1][j], longest[i][j + 1])
    found, i, j = {}, 0, 0
    while i < len(targets) and j < len(images):
        if means[i][j] and longest[i][j] == longest[i + 1][j + 1] + 1:
            found[targets[i].index] = images[j]
            i, j = i + 1, j + 1
        elif longest[i + 1][j] >= longest[i][j + 1]:
            i += 1
        else:
            j += 1
    return found


def _means(target: Target, image: Image) -> bool:
    if target.sha256 is not None:
        return target.sha256 == image.sha256
    return _url_of(target) == _source_of(image)
