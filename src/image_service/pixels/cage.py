"""What a pixel process gives up before it meets strangers' bytes: memory, files, time, most of the system's calls; and
its turn on a processor, to the processes that answer.

A decoder that has been captured can then read and write files, and answer a line that nobody believes; it reaches no
network, starts no program, and touches no other process. See docs/decisions/0031.
"""

import ctypes
import math
import os
import resource
import signal
import sys
import termios
import time

RESOURCES = (
    (resource.RLIMIT_CORE, 0),  # bytes; a core file would hold a customer's picture
    (resource.RLIMIT_AS, 2 * 1024**3),  # bytes of addresses; 50 megapixels of RGBA noise as WebP just fit
    (resource.RLIMIT_FSIZE, 256 * 1024**2),  # bytes; 50 megapixels of noise as RGBA in a PNG: 200 MB
    (resource.RLIMIT_NOFILE, 64),  # libvips opens a handful
)
YIELDING = 10  # of niceness: on a machine at its limit, whoever draws yields to whoever answers
PR_SET_PDEATHSIG, PR_SET_NAME, PR_SET_NO_NEW_PRIVS = 1, 15, 38  # <linux/prctl.h>
CLONE_THREAD = 0x00010000  # <linux/sched.h>
LIBSECCOMP = "libseccomp.so.2"  # apt and systemd need it, so Debian's smallest image has it

ALLOWED = """
read readv pread64 preadv write writev pwrite64 pwritev close lseek _llseek open openat dup dup2 dup3 fcntl fcntl64
ftruncate ftruncate64 access faccessat faccessat2 stat stat64 lstat lstat64 fstat fstat64 newfstatat fstatat64 statx
readlink readlinkat getcwd getdents64 poll ppoll select pselect6
brk mmap mmap2 munmap mremap mprotect madvise
futex futex_time64 set_robust_list get_robust_list set_tid_address rseq membarrier sched_yield sched_getaffinity
sched_getparam sched_getscheduler getcpu gettid exit exit_group
rt_sigaction rt_sigprocmask rt_sigreturn sigreturn sigaltstack restart_syscall
clock_gettime clock_gettime64 clock_getres clock_nanosleep nanosleep gettimeofday time times getrusage
getpid getppid getuid geteuid getgid getegid uname sysinfo getrandom getrlimit ugetrlimit
"""
SCMP_ACT_ALLOW, SCMP_ACT_ERRNO = 0x7FFF0000, 0x00050000  # <seccomp.h>
SCMP_CMP_EQ, SCMP_CMP_MASKED_EQ = 4, 7
SCMP_FLTATR_CTL_TSYNC = 4
ENOSYS = 38  # "no such call": the C library then tries an older one, where EPERM would end it


class _Comparison(ctypes.Structure):
    """struct scmp_arg_cmp"""

    _fields_ = (("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64))


def enter() -> str:
    """For good. Answers why there is no filter of system calls, or "" if there is one."""
    die_with_parent()
    os.nice(YIELDING)
    for kind, wanted in RESOURCES:
        _, hard = resource.getrlimit(kind)  # may be tighter already, and cannot be raised
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(kind, (most, most))
    if sys.platform != "linux":
        return f"there is none on {sys.platform}"
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return f"no_new_privs: {os.strerror(ctypes.get_errno())}"
    try:
        _filter_calls(ctypes.CDLL(LIBSECCOMP))
    except OSError as error:
        return str(error)
    return ""


def die_with_parent() -> None:
    """Linux only; elsewhere, and if the parent has gone by now, the end of the input does it."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def limit_processor_time(seconds: float) -> None:
    """From now on; beyond it the system ends the process, even if nobody is left to do so.

    The pool's own limit, of time as it passes, is reached first unless a picture keeps several threads busy.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    wanted = math.ceil(time.process_time() + seconds) + 1
    soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))


def _filter_calls(library: ctypes.CDLL) -> None:
    """Allow what is needed, by name and for this machine's architecture. Raises `OSError`."""
    library.seccomp_init.restype = ctypes.c_void_p
    library.seccomp_init.argtypes = [ctypes.c_uint32]
    library.seccomp_syscall_resolve_name.argtypes = [ctypes.c_char_p]
    library.seccomp_attr_set.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_uint32]
    library.seccomp_rule_add_array.argtypes = [
        ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint, ctypes.POINTER(_Comparison),
    ]  # fmt: skip
    for name in ("seccomp_load", "seccomp_release"):
        getattr(library, name).argtypes = [ctypes.c_void_p]
    rules = library.seccomp_init(SCMP_ACT_ERRNO | ENOSYS)
    if not rules:
        raise OSError("seccomp_init")

    def allow(call: str, *conditions: _Comparison) -> None:
        number = library.seccomp_syscall_resolve_name(call.encode())
        if number < 0:
            return  # another architecture's
        if library.seccomp_rule_add_array(
            rules, SCMP_ACT_ALLOW, number, len(conditions), (_Comparison * len(conditions))(*conditions)
        ):
            raise OSError(f"seccomp_rule_add {call}")

    try:
        _check(library.seccomp_attr_set(rules, SCMP_FLTATR_CTL_TSYNC, 1), "seccomp_attr_set")  # every thread
        for call in ALLOWED.split():
            allow(call)
        # Threads, not processes; without `clone3`, whose flags no filter can see, the C library uses `clone`.
        allow("clone", _Comparison(0, SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD))
        # Our own limits may be read. Only that of processor time may be set: root could raise the others again.
        own, cpu = _Comparison(0, SCMP_CMP_EQ, 0, 0), resource.RLIMIT_CPU
        allow("prlimit64", own, _Comparison(1, SCMP_CMP_EQ, cpu, 0))
        allow("prlimit64", own, _Comparison(2, SCMP_CMP_EQ, 0, 0))
        allow("setrlimit", _Comparison(0, SCMP_CMP_EQ, cpu, 0))
        allow("tgkill", _Comparison(0, SCMP_CMP_EQ, os.getpid(), 0))  # abort()
        allow("prctl", _Comparison(0, SCMP_CMP_EQ, PR_SET_NAME, 0))  # of a thread
        allow("ioctl", _Comparison(1, SCMP_CMP_EQ, termios.TCGETS, 0))  # isatty()
        _check(library.seccomp_load(rules), "seccomp_load")
    finally:
        library.seccomp_release(rules)


def _check(result: int, what: str) -> None:
    if result != 0:
        raise OSError(-result, f"{what}: {os.strerror(-result)}")
