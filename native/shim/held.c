/* What holds this process where it is: a tracer, and a sandbox that a program elsewhere would have left. Seen
 * in files only, by the calls that the loader itself makes at every start, since a seccomp filter may kill
 * for any other (prctl, say). Of the calling thread, because its child gets its filters and namespaces. What
 * the host's first process has too is no sandbox: so a container that is a host sends its programs. */
#include "shim.h"

struct status {
    uint32_t tracer, no_new_privs, seccomp, filters;
};

/* The number in a line of that name; unchanged when it is another one. */
static void take(const char *line, const char *name, uint32_t *number) {
    while (*name && *line == *name)
        line++, name++;
    if (*name) return;
    *number = 0;
    for (; *line >= '0' && *line <= '9'; line++)
        *number = *number * 10 + (uint32_t)(*line - '0');
}

/* By lines; one that does not fit (of a thousand groups) is none of ours. */
static bool read_status(const char *path, struct status *status) {
    char text[1024];
    size_t have = 0;
    bool skipping = false;
    *status = (struct status){0};
    int fd = sys_open(path, O_RDONLY);
    if (fd < 0) return false;
    long got, all = 0;
    for (; (got = sys_read(fd, text + have, sizeof text - have)) > 0; all += got) {
        have += (size_t)got;
        size_t start = 0;
        for (size_t i = 0; i < have; i++) {
            if (text[i] != '\n') continue;
            text[i] = '\0';
            if (!skipping) {
                take(text + start, "TracerPid:\t", &status->tracer);
                take(text + start, "NoNewPrivs:\t", &status->no_new_privs);
                take(text + start, "Seccomp:\t", &status->seccomp);
                take(text + start, "Seccomp_filters:\t", &status->filters);
            }
            skipping = false;
            start = i + 1;
        }
        if (start == 0 && have == sizeof text) start = have, skipping = true;
        for (size_t i = start; i < have; i++)
            text[i - start] = text[i];
        have -= start;
    }
    sys_close(fd);
    return got == 0 && all > 0;
}

static uint32_t mix(uint32_t hash, uint64_t value) {
    for (int shift = 0; shift < 64; shift += 32)
        hash = (hash ^ (uint32_t)(value >> shift)) * 16777619u;
    return hash;
}

/* The number in "net:[4026531840]", or 0: read as a link, since to stat what it leads to costs three times as
 * much. */
static uint64_t space(const char *link) {
    char text[64];
    uint64_t number = 0;
    long got = sys_call(SYS_readlinkat, AT_FDCWD, (long)link, (long)text, sizeof text, 0, 0);
    for (long i = 0; i < got; i++)
        if (text[i] >= '0' && text[i] <= '9') number = number * 10 + (uint64_t)(text[i] - '0');
    return number;
}

/* As src/io/place.ts. The children's processes, because who has unshared those is not among them itself. */
static uint32_t place(void) {
    static const char *const spaces[] = {"/proc/thread-self/ns/mnt", "/proc/thread-self/ns/pid_for_children",
                                         "/proc/thread-self/ns/user", "/proc/thread-self/ns/net"};
    struct sys_seen seen = {.ino = 0};
    sys_stat(AT_FDCWD, "/", &seen);
    uint32_t hash = mix(mix(mix(2166136261u, seen.dev_major), seen.dev_minor), seen.ino);
    for (unsigned i = 0; i < sizeof spaces / sizeof *spaces; i++)
        hash = mix(hash, space(spaces[i]));
    return hash ? hash : 1;
}

const char *ground_held(const struct pants_state *state, bool *traced) {
    struct status self, first;
    if (!read_status("/proc/thread-self/status", &self)) return "its status in /proc cannot be read";
    *traced = self.tracer != 0;
    if (*traced) return "traced";
    if (self.no_new_privs || self.seccomp) {
        read_status("/proc/1/status", &first);
        if (self.no_new_privs && !first.no_new_privs) return "no_new_privs is set";
        if (self.seccomp && (!first.seccomp || self.filters > first.filters))
            return "a seccomp filter is in force";
    }
    if (state && state->place && state->place != place())
        return "not in this host's namespaces or root directory";
    return NULL;
}
