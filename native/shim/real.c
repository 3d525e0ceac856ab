/* The functions that this library stands before: the next ones in the search order, so that other preloaded
 * libraries behind us still see every call. Looked up when the library is loaded, because dlsym takes the
 * loader's lock, which a child made by fork or vfork must not wait for. */
#include <dlfcn.h>
#include <errno.h>
#include <features.h>
#include "shim.h"

#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 29)
#define SEES_CHDIR
#endif

static struct real found;
#ifdef SEES_CHDIR
/* Set once and for all; nothing tells what is in file actions. */
static bool moves;
#endif

static int missing_exec(const char *path, char *const argv[], char *const envp[]) {
    long result = sys_call(SYS_execve, (long)path, (long)argv, (long)envp, 0, 0, 0);
    errno = (int)-result;
    return -1;
}

__attribute__((constructor)) static void resolve(void) {
    int saved = errno;
    execve_fn *execve = (execve_fn *)dlsym(RTLD_NEXT, "execve");
    found.execvpe = (execve_fn *)dlsym(RTLD_NEXT, "execvpe");
    found.spawn = (spawn_fn *)dlsym(RTLD_NEXT, "posix_spawn");
    found.spawnp = (spawn_fn *)dlsym(RTLD_NEXT, "posix_spawnp");
    /* Last, since it tells the others apart from not looked up. */
    found.execve = execve ? execve : missing_exec;
    errno = saved;
}

/* Where libc has others than those that we stand before, they are not seen. Found by the loader, or NULL: dlsym
 * would have a message made for each that is missing. */
#define UNSEEN(symbol, type)                                                                                 \
    extern int symbol(posix_spawn_file_actions_t *actions, type to) __attribute__((weak))
UNSEEN(posix_spawn_file_actions_addchdir, const char *);
UNSEEN(posix_spawn_file_actions_addfchdir, int);

#ifdef SEES_CHDIR
#define SEEN(symbol, type)                                                                                   \
    EXPORT int symbol(posix_spawn_file_actions_t *actions, type to) {                                        \
        int (*add)(posix_spawn_file_actions_t *, type) =                                                     \
            (int (*)(posix_spawn_file_actions_t *, type))real_rare(#symbol, NULL);                           \
        moves = true;                                                                                        \
        return add ? add(actions, to) : ENOSYS;                                                              \
    }
SEEN(posix_spawn_file_actions_addchdir_np, const char *)
SEEN(posix_spawn_file_actions_addfchdir_np, int)

bool real_moves(void) {
    return moves || posix_spawn_file_actions_addchdir || posix_spawn_file_actions_addfchdir;
}
#else
UNSEEN(posix_spawn_file_actions_addchdir_np, const char *);
UNSEEN(posix_spawn_file_actions_addfchdir_np, int);

bool real_moves(void) {
    return posix_spawn_file_actions_addchdir || posix_spawn_file_actions_addfchdir ||
           posix_spawn_file_actions_addchdir_np || posix_spawn_file_actions_addfchdir_np;
}
#endif

const struct real *real_functions(void) {
    /* Another library's constructor can come before ours. */
    if (!found.execve) resolve();
    return &found;
}

/* musl has none. */
extern void *dlvsym(void *, const char *, const char *) __attribute__((weak));

void *real_rare(const char *name, const char *version) {
    int saved = errno;
    void *function = version && dlvsym ? dlvsym(RTLD_NEXT, name, version) : NULL;
    if (!function) function = dlsym(RTLD_NEXT, name);
    errno = saved;
    return function;
}
