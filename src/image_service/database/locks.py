"""The numbers of the advisory locks."""

from enum import IntEnum


class Lock(IntEnum):
    """One block of code in all replicas holds each at a time."""

    BOOTSTRAP = 0x696D6701  # one replica creates the first store, the others find it
    MIGRATE = 0x696D6702
    SWEEP = 0x696D6703
    CLAIM = 0x696D6704  # of the queue's rows
    VERIFY = 0x696D6705
