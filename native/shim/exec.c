/* execve and all that comes down to it. The funnels are small, so that an unmarked exec uses hardly any
 * stack. */
#include <string.h>
#include "shim.h"

/* Returns only when the stand-in could not be started; then the program runs here. */
static __attribute__((noinline)) void exec_standin(const struct ask *ask, const struct verdict *verdict) {
    size_t size, entries;
    if (!standin_fits(ask, &size, &entries)) return;
    char variable[size];
    char *env[entries + 2];
    standin_environment(ask, verdict->why, variable, size, env);
    real_functions()->execve(verdict->standin, ask->argv, env);
}

/* The program is marked. `call` with `name` is what the caller asked for. */
static __attribute__((noinline)) int exec_marked(const struct ask *ask, execve_fn *call, const char *name) {
    struct verdict verdict;
    decide(ask, &verdict);
    if (verdict.stand_in) exec_standin(ask, &verdict);
    int result = call(name, ask->argv, ask->envp);
    settle(&verdict, 0);
    return result;
}

static int exec_path(const char *path, char *const argv[], char *const envp[], execve_fn *call) {
    struct ask ask = {.path = path, .argv = argv, .envp = envp};
    if (look_at(path, false, &ask.flags, &ask.unfit) != SIGHT_MARKED) return call(path, argv, envp);
    return exec_marked(&ask, call, path);
}

int funnel_path(const char *path, char *const argv[], char *const envp[]) {
    return exec_path(path, argv, envp, real_functions()->execve);
}

int funnel_search(const char *file, char *const argv[], char *const envp[]) {
    execve_fn *call = real_functions()->execvpe;
    /* With a slash too it is execvpe that runs a script without #! by a shell. */
    if (!file || strchr(file, '/')) return exec_path(file, argv, envp, call);
    char found[PATH_ROOM];
    struct ask ask = {.path = found, .argv = argv, .envp = envp};
    if (!search_marked(file, found, &ask.flags, &ask.unfit)) return call(file, argv, envp);
    return exec_marked(&ask, call, file);
}

EXPORT int execve(const char *path, char *const argv[], char *const envp[]) {
    return funnel_path(path, argv, envp);
}

EXPORT int execv(const char *path, char *const argv[]) {
    return funnel_path(path, argv, environ);
}

EXPORT int execvpe(const char *file, char *const argv[], char *const envp[]) {
    return funnel_search(file, argv, envp);
}

/* What musl's programs may be bound to. */
EXPORT int __execvpe(const char *file, char *const argv[], char *const envp[]) {
    return funnel_search(file, argv, envp);
}

EXPORT int execvp(const char *file, char *const argv[]) {
    return funnel_search(file, argv, environ);
}
