"""Which image of the gallery each entry of a list names. Pure.

No image is matched twice: if several match an entry, it gets the oldest one left. So a picture may occur in a list,
and in a gallery, more than once.

The order of the passes, and of the images in each, makes a repeated list find the images it had. An image made for an
entry is newer than all that were there. Sources are matched before bytes, so that bytes fetched from one entry's
source are not matched to another entry. Neither depends on positions, which a list changes.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence

from image_service.galleries.entries import Target, source_of
from image_service.images.queries import Image


def matched(targets: Sequence[Target], images: Sequence[Image]) -> dict[int, Image]:
    """Images by entry index."""
    left = {image.id: image for image in sorted(images, key=lambda image: image.id)}
    found: dict[int, Image] = {}
    for target in targets:
        if target.id is not None and target.id in left:
            found[target.index] = left.pop(target.id)
        elif target.former is not None and target.former in left:
            found[target.index] = left.pop(target.former)
    for target in targets:
        if target.named is not None:
            image_id, key = target.named
            if image_id in left and left[image_id].key == key:
                found[target.index] = left.pop(image_id)
    for wanted, has in ((_url_of, _source_of), (_sha256_of, _bytes_of)):
        rest = [target for target in targets if target.index not in found]
        for index, image in _in_turn(rest, list(left.values()), wanted, has).items():
            found[index] = left.pop(image.id)
    return found


def _in_turn(
    targets: Sequence[Target],
    images: Sequence[Image],
    wanted: Callable[[Target], Hashable],
    has: Callable[[Image], Hashable],
) -> dict[int, Image]:
    """The first entry that wants something gets the first image that has it, and so on."""
    waiting: dict[Hashable, list[Image]] = defaultdict(list)
    for image in reversed(images):
        waiting[has(image)].append(image)
    names = ((target, wanted(target)) for target in targets)
    return {target.index: waiting[name].pop() for target, name in names if name is not None and waiting.get(name)}


def _sha256_of(target: Target) -> Hashable:
    return target.sha256


def _bytes_of(image: Image) -> Hashable:
    return image.sha256


def _url_of(target: Target) -> Hashable:
    return None if target.url is None else source_of(target.url)


def _source_of(image: Image) -> Hashable:
    return None if image.source_url is None else source_of(image.source_url)
