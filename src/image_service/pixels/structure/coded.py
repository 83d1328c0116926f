"""What the head of a coded picture says, and its bits."""

from dataclasses import dataclass

from image_service.pixels.limits import broken

HEAD_BYTES = 512  # of a sequence's or frame's head; in AV1 with all of its 32 operating points a sequence has 400
LONGEST_ZEROS = 32  # of a number that says its own length


@dataclass(frozen=True)
class Coded:
    """Of one still picture."""

    width: int  # pixels
    height: int
    is_subsampled: bool  # at most one colour sample for four pixels: nearly all are
    is_deep: bool  # more than 8 bits a sample
    held: int  # pixels that the decoder has, before it crops


class Bits:
    def __init__(self, data: memoryview) -> None:
        head = data[:HEAD_BYTES]
        self._value = int.from_bytes(head, "big")
        self._left = 8 * len(head)

    def __call__(self, count: int) -> int:
        self._left -= count
        if self._left < 0:
            raise broken("a picture cut in its head")
        return self._value >> self._left & (1 << count) - 1

    def golomb(self) -> int:
        """As many zeros as digits follow behind a one (ue(v) of H.265, uvlc of AV1)."""
        zeros = 0
        while not self(1):
            zeros += 1
            if zeros > LONGEST_ZEROS:
                raise broken("a picture with a number that is too long")
        return (1 << zeros) - 1 + self(zeros)
