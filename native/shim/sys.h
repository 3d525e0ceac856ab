/* Raw system calls: a result below 0 is -errno, and errno itself is never touched. libc's functions are not
 * used because open and close are cancellation points, and because the program or another preloaded library
 * may have put its own function in the place of any of them. */
#ifndef PANTS_SYS_H
#define PANTS_SYS_H
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

static inline long sys_call(long nr, long a, long b, long c, long d, long e, long f) {
#if defined(__x86_64__) && !defined(__ILP32__)
    long result;
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
#elif defined(__aarch64__)
    register long x8 __asm__("x8") = nr;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = e;
    register long x5 __asm__("x5") = f;
    __asm__ volatile("svc 0"
                     : "+r"(x0)
                     : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
                     : "memory", "cc");
    return x0;
#else
    int saved = errno;
    long result = syscall(nr, a, b, c, d, e, f);
    if (result == -1) result = -errno;
    errno = saved;
    return result;
#endif
}

static inline int sys_open(const char *path, int flags) {
    return (int)sys_call(SYS_openat, AT_FDCWD, (long)path, flags | O_CLOEXEC, 0, 0, 0);
}
static inline void sys_close(int fd) {
    sys_call(SYS_close, fd, 0, 0, 0, 0, 0);
}
static inline long sys_pread(int fd, void *into, size_t size, long offset) {
    return sys_call(SYS_pread64, fd, (long)into, (long)size, offset, 0, 0);
}
static inline long sys_read(int fd, void *into, size_t size) {
    return sys_call(SYS_read, fd, (long)into, (long)size, 0, 0, 0);
}
static inline bool sys_access(const char *path, int mode) {
    return sys_call(SYS_faccessat, AT_FDCWD, (long)path, mode, 0, 0, 0) == 0;
}
static inline uint32_t sys_pid(void) {
    return (uint32_t)sys_call(SYS_getpid, 0, 0, 0, 0, 0, 0);
}
static inline uint32_t sys_parent(void) {
    return (uint32_t)sys_call(SYS_getppid, 0, 0, 0, 0, 0, 0);
}
static inline uint32_t sys_session(void) {
    return (uint32_t)sys_call(SYS_getsid, 0, 0, 0, 0, 0, 0);
}
static inline uint32_t sys_uid(void) {
    return (uint32_t)sys_call(SYS_getuid, 0, 0, 0, 0, 0, 0);
}
static inline uint32_t sys_euid(void) {
    return (uint32_t)sys_call(SYS_geteuid, 0, 0, 0, 0, 0, 0);
}
static inline bool sys_alive(uint32_t pid) {
    return sys_call(SYS_kill, pid, 0, 0, 0, 0, 0) != -ESRCH;
}

/* What statx(2) tells of an open file: the kernel's struct, since not every libc has it. */
struct sys_seen {
    uint32_t unused0[7];
    uint16_t mode, unused1;
    uint64_t ino;
    uint64_t size;
    uint64_t unused2[11];
    uint32_t dev_major, dev_minor;
    uint64_t unused3[14];
};
_Static_assert(offsetof(struct sys_seen, mode) == 28 && offsetof(struct sys_seen, size) == 40 &&
                   offsetof(struct sys_seen, dev_major) == 136,
               "as struct statx");
_Static_assert(sizeof(struct sys_seen) == 256, "as struct statx");
static inline bool sys_stat(int fd, const char *path, struct sys_seen *seen) {
    const unsigned type_mode_ino_size = 0x303;
    return sys_call(SYS_statx, fd, (long)path, *path ? 0 : AT_EMPTY_PATH, type_mode_ino_size, (long)seen,
                    0) == 0;
}

/* CLOCK_BOOTTIME in nanoseconds. */
static inline uint64_t sys_boot_ns(void) {
    int64_t ts[2] = {0, 0};
    sys_call(SYS_clock_gettime, 7, (long)ts, 0, 0, 0, 0);
    return (uint64_t)ts[0] * 1000000000u + (uint64_t)ts[1];
}

#define PANTS_PID_ALIVE(pid) sys_alive(pid)
#define PANTS_EXISTS(path) sys_access(path, F_OK)
#endif
