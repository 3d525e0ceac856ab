/* Looks at the file that is about to be executed: the only cost of an unmarked program is open, pread, close.
 */
#include <elf.h>
#include <sys/stat.h>
#include "shim.h"

#if __SIZEOF_POINTER__ == 8
typedef Elf64_Ehdr header;
#define CLASS ELFCLASS64
#else
typedef Elf32_Ehdr header;
#define CLASS ELFCLASS32
#endif

#if defined(__x86_64__)
#define MACHINE EM_X86_64
#elif defined(__aarch64__)
#define MACHINE EM_AARCH64
#elif defined(__riscv)
#define MACHINE EM_RISCV
#elif defined(__powerpc64__)
#define MACHINE EM_PPC64
#elif defined(__loongarch__)
#define MACHINE 258
#else
#define MACHINE EM_NONE /* nothing is marked where the bits are not free */
#endif

static bool is_program(const header *h) {
    return *(const uint32_t *)h->e_ident ==
               (ELFMAG0 | ELFMAG1 << 8 | ELFMAG2 << 16 | (uint32_t)ELFMAG3 << 24) &&
           h->e_ident[EI_CLASS] == CLASS && h->e_ident[EI_DATA] == ELFDATA2LSB && h->e_machine == MACHINE &&
           MACHINE != EM_NONE && (h->e_type == ET_EXEC || h->e_type == ET_DYN);
}

/* Marked migratable, or everything is to be sent that is not marked never. */
static bool is_migratable(const header *h, uint32_t *mark) {
    *mark = (h->e_flags & PANTS_MARK_TAG_MASK) == PANTS_MARK_TAG ? h->e_flags & PANTS_MARK_MASK : 0;
    return !(*mark & PANTS_MARK_NEVER) && ((*mark & PANTS_MARK_MIGRATABLE) || policy_always());
}

/* File mode of `path`, or of `fd` when the path is empty; 0 = cannot tell. */
static unsigned mode_of(int fd, const char *path) {
    struct sys_seen seen;
    return sys_stat(fd, path, &seen) ? seen.mode : 0;
}

static bool is_executable(const char *path) {
    return sys_access(path, X_OK) && S_ISREG(mode_of(AT_FDCWD, path));
}

bool has_capabilities(const char *path) {
    return sys_call(SYS_getxattr, (long)path, (long)"security.capability", 0, 0, 0, 0) > 0;
}

/* What libc's search does after execve failed as open did. */
static enum sight sight_unopened(const char *path, int error) {
    switch (-error) {
    case ENOENT:
    case ENOTDIR:
    case ESTALE:
    case ENODEV:
    case ETIMEDOUT:
    case ENXIO: /* a socket: execve says EACCES */
        return SIGHT_ABSENT;
    case EACCES: /* maybe execute-only */
        return is_executable(path) ? SIGHT_PLAIN : SIGHT_ABSENT;
    default:
        return SIGHT_PLAIN;
    }
}

enum sight look_at(const char *path, bool searching, uint32_t *flags, const char **unfit) {
    header h;
    /* Non-blocking, because a plain open of a FIFO hangs where execve says EACCES. */
    int fd = sys_open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) return searching ? sight_unopened(path, fd) : SIGHT_PLAIN;
    bool marked =
        sys_pread(fd, &h, sizeof h, 0) == (long)sizeof h && is_program(&h) && is_migratable(&h, flags);
    if (marked) {
        unsigned mode = mode_of(fd, "");
        marked = S_ISREG(mode) && sys_access(path, X_OK);
        *unfit = mode & (S_ISUID | S_ISGID) ? "setuid or setgid" : NULL;
    }
    sys_close(fd);
    if (marked) return SIGHT_MARKED;
    return searching && !is_executable(path) ? SIGHT_ABSENT : SIGHT_PLAIN;
}
