/* posix_spawn and all that comes down to it. They return an error instead of setting errno, a caller may pass
 * no pid, and the program's process exists only when the call is over: a slot is taken as pending and handed
 * on then. */
#include <errno.h>
#include <features.h>
#include <string.h>
#include "shim.h"

struct call {
    spawn_fn *real;
    pid_t *pid; /* a pidfd, when `pidfd` is set */
    const char *name;
    const posix_spawn_file_actions_t *actions;
    const posix_spawnattr_t *attributes;
    bool pidfd;
};

static int spawn_real(const struct call *call, char *const argv[], char *const envp[]) {
    return call->real(call->pid, call->name, call->actions, call->attributes, argv, envp);
}

static __attribute__((noinline)) int spawn_standin(const struct ask *ask, const struct verdict *verdict,
                                                   const struct call *call) {
    size_t size, entries;
    if (!standin_fits(ask, &size, &entries)) return E2BIG;
    char variable[size];
    char *env[entries + 2];
    standin_environment(ask, verdict->why, variable, size, env);
    struct call standin = *call;
    standin.name = verdict->standin;
    if (!standin.pidfd) standin.real = real_functions()->spawn;
    return spawn_real(&standin, ask->argv, env);
}

/* True when the stand-in could not be started and the program can be tried: file actions must not run twice
 * (O_EXCL), so with some, only after an error that execve alone gives. */
static bool may_try_program(const struct call *call, int error) {
    return !call->actions || error == E2BIG || error == ENOEXEC || error == ETXTBSY;
}

static uint32_t pid_of(const struct call *call) {
    if (!call->pidfd) return (uint32_t)*call->pid;
    int (*getpid_of)(int) = (int (*)(int))real_rare("pidfd_getpid", NULL);
    int pid = getpid_of ? getpid_of(*call->pid) : 0;
    return pid > 0 ? (uint32_t)pid : 0;
}

static __attribute__((noinline)) int spawn_marked(struct ask *ask, const struct call *asked) {
    /* addchdir_np changes what a relative path means. */
    if (asked->actions && *ask->path != '/' && real_moves())
        ask->unfit = "file actions that may change a relative path";
    pid_t unwanted;
    struct verdict verdict;
    struct call call = *asked;
    if (!call.pid) call.pid = &unwanted;
    decide(ask, &verdict);
    if (verdict.stand_in) {
        int error = spawn_standin(ask, &verdict, &call);
        if (error == 0 || !may_try_program(&call, error)) return error;
    }
    int error = spawn_real(&call, ask->argv, ask->envp);
    settle(&verdict, error == 0 && verdict.slot >= 0 ? pid_of(&call) : 0);
    return error;
}

static int spawn_path(const struct call *call, char *const argv[], char *const envp[]) {
    struct ask ask = {.path = call->name, .argv = argv, .envp = envp, .spawning = true};
    if (look_at(call->name, false, &ask.flags, &ask.unfit) != SIGHT_MARKED)
        return spawn_real(call, argv, envp);
    return spawn_marked(&ask, call);
}

static int spawn_search(const struct call *call, char *const argv[], char *const envp[]) {
    if (!call->name || strchr(call->name, '/')) return spawn_path(call, argv, envp);
    char found[PATH_ROOM];
    struct ask ask = {.path = found, .argv = argv, .envp = envp, .spawning = true};
    if (!search_marked(call->name, found, &ask.flags, &ask.unfit)) return spawn_real(call, argv, envp);
    return spawn_marked(&ask, call);
}

/* One exported function: its symbol, its funnel, the real function, and whether it gives a pidfd. */
#define SPAWN(symbol, funnel, function, gives_pidfd)                                                         \
    EXPORT int symbol(pid_t *pid, const char *name, const posix_spawn_file_actions_t *actions,               \
                      const posix_spawnattr_t *attributes, char *const argv[], char *const envp[]) {         \
        struct call call = {(spawn_fn *)(function), pid, name, actions, attributes, gives_pidfd};            \
        return funnel(&call, argv, envp);                                                                    \
    }

#if defined(__x86_64__) && defined(__GLIBC__)
/* Programs linked before glibc 2.15 get a shell for a script without #!. Both versions are in libprex.map. */
__asm__(".symver spawn_now, posix_spawn@@GLIBC_2.15");
__asm__(".symver spawnp_now, posix_spawnp@@GLIBC_2.15");
__asm__(".symver spawn_old, posix_spawn@GLIBC_2.2.5");
__asm__(".symver spawnp_old, posix_spawnp@GLIBC_2.2.5");
SPAWN(spawn_old, spawn_path, real_rare("posix_spawn", "GLIBC_2.2.5"), false)
SPAWN(spawnp_old, spawn_search, real_rare("posix_spawnp", "GLIBC_2.2.5"), false)
SPAWN(spawn_now, spawn_path, real_functions()->spawn, false)
SPAWN(spawnp_now, spawn_search, real_functions()->spawnp, false)
#else
SPAWN(posix_spawn, spawn_path, real_functions()->spawn, false)
SPAWN(posix_spawnp, spawn_search, real_functions()->spawnp, false)
#endif

/* Not defined where libc has none: programs probe for them. */
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 39)
SPAWN(pidfd_spawn, spawn_path, real_rare("pidfd_spawn", NULL), true)
SPAWN(pidfd_spawnp, spawn_search, real_rare("pidfd_spawnp", NULL), true)
#endif
