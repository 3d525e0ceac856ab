/* Where the stand-in is, and the environment that it is started with. */
#include <limits.h>
#include <sys/resource.h>
#include "shim.h"

#define ENTRIES_MAX 4096 /* pointers copied onto the caller's stack: 32 KiB */

/* Text at `*at`, up to a byte that is no hexadecimal digit. */
static uintptr_t hexadecimal(const char **at) {
    uintptr_t value = 0;
    for (;; (*at)++) {
        char c = **at;
        if (c >= '0' && c <= '9')
            value = value << 4 | (uintptr_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            value = value << 4 | (uintptr_t)(c - 'a' + 10);
        else
            return value;
    }
}

/* The path of a line of /proc/self/maps, if its range holds `wanted`. */
static const char *path_at(const char *line, uintptr_t wanted) {
    const char *at = line;
    uintptr_t start = hexadecimal(&at);
    if (*at++ != '-' || wanted < start || wanted >= hexadecimal(&at)) return NULL;
    while (*at && *at != '/')
        at++;
    return *at ? at : NULL;
}

/* Path of this library's file. The kernel's list is read, since the loader's can only be read under a lock.
 */
static bool own_path(char *out, size_t size) {
    char line[1024];
    size_t have = 0;
    bool done = false, skipping = false;
    int fd = sys_open("/proc/self/maps", O_RDONLY);
    if (fd < 0) return false;
    for (long got; !done && (got = sys_read(fd, line + have, sizeof line - 1 - have)) > 0;) {
        have += (size_t)got;
        size_t start = 0;
        for (size_t i = 0; i < have && !done; i++) {
            if (line[i] != '\n') continue;
            line[i] = '\0';
            const char *path = skipping ? NULL : path_at(line + start, (uintptr_t)&own_path);
            if (path) {
                struct pants_text text = pants_text_in(out, size);
                pants_text_put(&text, path);
                done = !text.cut;
            }
            skipping = false;
            start = i + 1;
        }
        for (size_t i = start; i < have; i++)
            line[i - start] = line[i];
        have -= start;
        if (have == sizeof line - 1) have = 0, skipping = true; /* a line too long to be ours */
    }
    sys_close(fd);
    return done;
}

bool standin_find(char *out, size_t size) {
    static const char *const places[] = {"prex", "pants/build/Release/prex"};
    const char *given = pants_variable(environ, "PANTS_PREX");
    struct pants_text text = pants_text_in(out, size);
    if (given && *given) {
        pants_text_put(&text, given);
        return !text.cut && sys_access(out, X_OK);
    }
    if (!own_path(out, size)) return false;
    char *folder_end = out;
    for (char *at = out; *at; at++)
        if (*at == '/') folder_end = at + 1;
    for (unsigned i = 0; i < sizeof places / sizeof *places; i++) {
        text.at = folder_end;
        text.cut = false;
        pants_text_put(&text, places[i]);
        if (!text.cut && sys_access(out, X_OK)) return true;
    }
    return false;
}

static size_t strings_size(char *const *strings, size_t *count) {
    size_t bytes = 0;
    for (*count = 0; strings && strings[*count]; ++*count) {
        const char *at = strings[*count];
        while (*at)
            at++;
        bytes += (size_t)(at - strings[*count]) + 1 + sizeof(char *);
    }
    return bytes;
}

bool standin_fits(const struct ask *ask, size_t *variable, size_t *entries) {
    struct rlimit stack = {0, 0};
    size_t arguments, path = 0;
    while (ask->path[path])
        path++;
    *variable = sizeof PANTS_STANDIN_VAR + 8 + 1 + path;
    size_t bytes = strings_size(ask->argv, &arguments) + strings_size(ask->envp, entries);
    if (*entries > ENTRIES_MAX || path >= PATH_MAX) return false;
    /* execve(2): a quarter of the stack's limit, at least 128 KiB, at most 6 MiB. */
    sys_call(SYS_prlimit64, 0, RLIMIT_STACK, 0, (long)&stack, 0, 0);
    size_t room = stack.rlim_cur / 4;
    if (room > 6u << 20) room = 6u << 20;
    if (room < 128u << 10) room = 128u << 10;
    return bytes + *variable + 2 * PATH_MAX <= room;
}

void standin_environment(const struct ask *ask, uint32_t why, char *variable, size_t size, char **env) {
    uint32_t flags = why;
    if (ask->flags & PANTS_MARK_IDEMPOTENT) flags |= PANTS_RUN_IDEMPOTENT;
    struct pants_text text = pants_text_in(variable, size);
    pants_text_put(&text, PANTS_STANDIN_VAR);
    pants_text_number(&text, flags, 16);
    pants_text_put(&text, ":");
    pants_text_put(&text, ask->path);
    for (char *const *entry = ask->envp; entry && *entry; entry++)
        *env++ = *entry;
    *env++ = variable;
    *env = NULL;
}
