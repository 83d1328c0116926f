"""Tracks a JPEG's scans: which coefficients of which components, to which bit (ITU T.81, annex G)."""

from image_service.pixels.limits import broken

COEFFICIENTS = 64  # of a block: the mean, and 63 frequencies
NEVER = -1
WHOLE_SPECTRUM = bytes((0, COEFFICIENTS - 1, 0))  # first and last coefficient, bits: fixed for a sequential scan


class Scans:
    """The scans of one frame. `components` is the frame header's list, three bytes each."""

    def __init__(self, components: bytes, *, is_progressive: bool) -> None:
        self._is_progressive = is_progressive
        # For each component: the lowest bit read so far of each coefficient.
        self._lowest = {id: [NEVER] * COEFFICIENTS for id in components[::3]}
        self.count = 0

    def add(self, header: bytes) -> None:
        """Add a scan. Raises `Refused` for a header that no decoder reads."""
        self.count += 1
        named = header[0] if header else 0
        if not named or len(header) != 4 + 2 * named:
            raise broken("JPEG with a bad scan header")
        first, last, bits = header[-3:] if self._is_progressive else WHOLE_SPECTRUM
        for id in header[1:-3:2]:
            if id not in self._lowest or not first <= last < COEFFICIENTS:
                raise broken("JPEG with a scan of what it has not")
            self._lowest[id][first : last + 1] = [bits & 0x0F] * (last + 1 - first)

    @property
    def is_whole(self) -> bool:
        """Whether the scans so far complete the picture."""
        return all(lowest == [0] * COEFFICIENTS for lowest in self._lowest.values())
