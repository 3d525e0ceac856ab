/* The functions that this library stands before: the next ones in the search order, so that other preloaded
 * libraries behind us still see every call. Looked up when the library is loaded, because dlsym takes the
 * loader's lock, which a child made by fork or vfork must not wait for. */
#include <dlfcn.h>
#include <errno.h>
#include "shim.h"

static struct real found;

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
