/* What this host's daemon tells the process (state, slots), and who watches it. Read only after a mark
 * matched. */
#include <sys/mman.h>
#include <sys/stat.h>
#include "shim.h"

static int open_runtime(const char *tail, int flags) {
    char path[PANTS_RUNTIME_MAX];
    if (!pants_runtime_path(environ, sys_euid(), tail, path, sizeof path)) return -1;
    return sys_open(path, flags | O_NOCTTY | O_NONBLOCK);
}

struct pants_table *ground_map(void) {
    struct sys_seen seen;
    int fd = open_runtime("/slots", O_RDWR);
    if (fd < 0) return NULL;
    long mapped = -1;
    /* A file cut short would be a SIGBUS for the program. */
    if (sys_stat(fd, "", &seen) && S_ISREG(seen.mode) && seen.size >= sizeof(struct pants_table))
        mapped = sys_call(SYS_mmap, 0, sizeof(struct pants_table), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    sys_close(fd);
    if (mapped < 0 && mapped > -4096) return NULL;
    struct pants_table *table = (struct pants_table *)mapped;
    if (pants_table_usable(table, sizeof *table)) return table;
    ground_unmap(table);
    return NULL;
}

void ground_unmap(struct pants_table *table) {
    if (table) sys_call(SYS_munmap, (long)table, sizeof *table, 0, 0, 0, 0);
}

bool ground_state(struct pants_state *state, uint64_t now_ns) {
    int fd = open_runtime("/state", O_RDONLY);
    if (fd < 0) return false;
    long got = sys_pread(fd, state, sizeof *state, 0);
    sys_close(fd);
    if (got != (long)sizeof *state || state->magic != PANTS_STATE_MAGIC ||
        state->version != PANTS_STATE_VERSION || state->size != sizeof *state || state->seq != state->seq_end)
        return false;
    int64_t age_ns = (int64_t)(now_ns - state->written_ns);
    /* A little ahead of us when it was written just now; far ahead when it is from before a reboot. */
    return age_ns > -1000000000 && age_ns <= (int64_t)state->interval_ms * 3 * 1000000;
}

bool ground_traced(void) {
    static const char name[] = "\nTracerPid:\t";
    char text[512];
    int fd = sys_open("/proc/self/status", O_RDONLY);
    if (fd < 0) return false;
    long got = sys_read(fd, text, sizeof text);
    sys_close(fd);
    for (long i = 0; i + (long)sizeof name <= got; i++) {
        unsigned same = 0;
        while (name[same] && text[i + same] == name[same])
            same++;
        if (!name[same]) return text[i + same] != '0';
    }
    return false;
}
