"""The header of a coded picture, and a bit reader for it."""

from dataclasses import dataclass

from image_service.pixels.limits import broken

HEAD_BYTES = 512  # of a sequence or frame header; an AV1 sequence with all 32 operating points has 400
LONGEST_ZEROS = 32  # in the prefix of a variable-length number


@dataclass(frozen=True)
class Coded:
    """The header fields of one still picture."""

    width: int  # pixels
    height: int
    is_subsampled: bool  # at most one colour sample per four pixels, as in nearly all
    is_deep: bool  # more than 8 bits a sample
    held: int  # pixels in the decoder, before the crop
    is_grey: bool = False  # without colour samples
    colours: tuple[int, int, int] | None = None  # numbers of primaries, curve and matrix (ITU-T H.273), in AV1
    is_full_range: bool = True  # black is 0


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
        """Read n zeros, a one, and n digits (ue(v) of H.265, uvlc of AV1)."""
        zeros = 0
        while not self(1):
            zeros += 1
            if zeros > LONGEST_ZEROS:
                raise broken("a picture with a number that is too long")
        return (1 << zeros) - 1 + self(zeros)
