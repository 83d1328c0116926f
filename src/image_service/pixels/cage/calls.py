"""A system call filter. It allows what decoding needs, and no call that takes a file name.

Uses the system's libseccomp, which knows each architecture's call numbers. Other calls fail with ENOSYS: the C library
then tries an older call, but would give up on other errors.
"""

import ctypes
import errno
import fcntl
import mmap
import os
import resource
import termios

LIBSECCOMP = "libseccomp.so.2"  # apt and systemd need it, so Debian's smallest image has it

# Allowed with any arguments: they act only on the process itself or its open files.
ALLOWED = """
read readv pread64 preadv write writev pwrite64 pwritev close lseek _llseek dup dup2 dup3 fstat fstat64
poll ppoll ppoll_time64 select _newselect pselect6 pselect6_time64
brk munmap mremap madvise
futex futex_time64 set_robust_list set_tid_address rseq membarrier sched_yield
sched_getaffinity sched_getparam sched_getscheduler getcpu gettid exit exit_group
rt_sigaction rt_sigprocmask rt_sigreturn sigreturn sigaltstack restart_syscall
clock_gettime clock_gettime64 clock_getres clock_getres_time64 clock_nanosleep clock_nanosleep_time64 nanosleep
gettimeofday time times getrusage
getpid getppid getuid geteuid getgid getegid uname sysinfo getrandom getrlimit ugetrlimit
"""
PR_SET_NAME = 15  # <linux/prctl.h>
CLONE_THREAD = 0x00010000  # <linux/sched.h>
SCMP_ACT_ALLOW, SCMP_ACT_ERRNO = 0x7FFF0000, 0x00050000  # <seccomp.h>
SCMP_CMP_EQ, SCMP_CMP_MASKED_EQ = 4, 7
SCMP_FLTATR_CTL_TSYNC = 4
INPUT = 0  # the socket that receives jobs


class Comparison(ctypes.Structure):
    """struct scmp_arg_cmp"""

    _fields_ = (("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64))


def equal(argument: int, value: int) -> Comparison:
    return Comparison(argument, SCMP_CMP_EQ, value, 0)


def masked(argument: int, mask: int, value: int) -> Comparison:
    return Comparison(argument, SCMP_CMP_MASKED_EQ, mask, value)


def allowed_by_argument() -> tuple[tuple[str, tuple[Comparison, ...]], ...]:
    """Calls that do several things; each line allows one of them."""
    return (
        ("recvmsg", (equal(0, INPUT),)),  # a job, and its files
        # Threads, not processes. Filters cannot read `clone3`'s flags; without it, the C library uses `clone`.
        ("clone", (masked(0, CLONE_THREAD, CLONE_THREAD),)),
        # Allows reading our own limits, and setting only that of processor time: root could raise the others.
        ("prlimit64", (equal(0, 0), equal(1, resource.RLIMIT_CPU))),
        ("prlimit64", (equal(0, 0), equal(2, 0))),
        ("setrlimit", (equal(0, resource.RLIMIT_CPU),)),
        ("tgkill", (equal(0, os.getpid()),)),  # abort()
        ("prctl", (equal(0, PR_SET_NAME),)),  # of a thread
        ("ioctl", (equal(1, termios.TCGETS),)),  # isatty()
        *((call, (equal(1, command),)) for call in ("fcntl", "fcntl64") for command in FILE_COMMANDS),
        # No new executable memory: only the code that is already loaded can run.
        *((call, (masked(2, mmap.PROT_EXEC, 0),)) for call in ("mmap", "mmap2", "mprotect")),
    )


# Not F_SETOWN, F_SETSIG and O_ASYNC: with them the kernel sends signals to any process.
FILE_COMMANDS = (fcntl.F_GETFD, fcntl.F_SETFD, fcntl.F_GETFL, fcntl.F_DUPFD_CLOEXEC)


def filter_calls() -> str:
    """Filter the calls of all threads. Raises `OSError` without libseccomp or kernel support."""
    if isinstance(LIBRARY, OSError):
        raise LIBRARY
    library = LIBRARY
    rules = library.seccomp_init(SCMP_ACT_ERRNO | errno.ENOSYS)
    if not rules:
        raise OSError("seccomp_init")

    def allow(call: str, *conditions: Comparison) -> None:
        number = library.seccomp_syscall_resolve_name(call.encode())
        if number < 0:
            return  # a call of another architecture
        _check(
            library.seccomp_rule_add_array(
                rules, SCMP_ACT_ALLOW, number, len(conditions), (Comparison * len(conditions))(*conditions)
            ),
            f"seccomp_rule_add {call}",
        )

    try:
        _check(library.seccomp_attr_set(rules, SCMP_FLTATR_CTL_TSYNC, 1), "seccomp_attr_set")  # every thread
        for call in ALLOWED.split():
            allow(call)
        for call, conditions in allowed_by_argument():
            allow(call, *conditions)
        _check(library.seccomp_load(rules), "seccomp_load")
    finally:
        library.seccomp_release(rules)
    return ""


def _load() -> ctypes.CDLL | OSError:
    try:
        library = ctypes.CDLL(LIBSECCOMP)
    except OSError as error:
        return error
    library.seccomp_init.restype = ctypes.c_void_p
    library.seccomp_init.argtypes = [ctypes.c_uint32]
    library.seccomp_syscall_resolve_name.argtypes = [ctypes.c_char_p]
    library.seccomp_attr_set.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_uint32]
    library.seccomp_rule_add_array.argtypes = [
        ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint, ctypes.POINTER(Comparison),
    ]  # fmt: skip
    for name in ("seccomp_load", "seccomp_release"):
        getattr(library, name).argtypes = [ctypes.c_void_p]
    return library


LIBRARY = _load()  # on import: by the time of `filter_calls`, no file can be opened


def _check(result: int, what: str) -> None:
    if result != 0:
        raise OSError(-result, f"{what}: {os.strerror(-result)}")
