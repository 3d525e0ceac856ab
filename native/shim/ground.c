/* What this host's daemon tells the process: state and slots. Read only after a mark matched. */
#include <sys/mman.h>
#include <sys/stat.h>
#include "shim.h"

/* The table as this process mapped it first: mapping costs more than all the rest of a decision. A mapping
 * made after vfork is the parent's too, and so is this note of it. */
static struct pants_table *kept;
static uint64_t kept_id;

static bool is_table(int fd, const char *path, uint64_t *id) {
    struct sys_seen seen;
    if (!sys_stat(fd, path, &seen)) return false;
    *id = seen.ino ^ (uint64_t)seen.dev_major << 52 ^ (uint64_t)seen.dev_minor << 40;
    /* A file cut short would be a SIGBUS for the program. */
    return S_ISREG(seen.mode) && seen.size >= sizeof(struct pants_table);
}

static struct pants_table *map_new(const char *path, uint64_t id) {
    uint64_t opened;
    int fd = sys_open(path, O_RDWR | O_NOCTTY | O_NONBLOCK);
    if (fd < 0) return NULL;
    long mapped = -1;
    if (is_table(fd, "", &opened) && opened == id)
        mapped = sys_call(SYS_mmap, 0, sizeof(struct pants_table), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    sys_close(fd);
    if (mapped < 0 && mapped > -4096) return NULL;
    if (pants_table_usable((struct pants_table *)mapped, sizeof(struct pants_table)))
        return (struct pants_table *)mapped;
    sys_call(SYS_munmap, mapped, sizeof(struct pants_table), 0, 0, 0, 0);
    return NULL;
}

struct pants_table *ground_map(void) {
    char path[PANTS_RUNTIME_MAX];
    uint64_t id;
    if (!pants_runtime_path(environ, sys_euid(), "/slots", path, sizeof path) ||
        !is_table(AT_FDCWD, path, &id))
        return NULL;
    struct pants_table *table = __atomic_load_n(&kept, __ATOMIC_ACQUIRE);
    if (table && __atomic_load_n(&kept_id, __ATOMIC_RELAXED) == id) return table;
    /* An older table stays mapped: another thread may be at it. */
    if (!(table = map_new(path, id))) return NULL;
    __atomic_store_n(&kept_id, id, __ATOMIC_RELAXED);
    __atomic_store_n(&kept, table, __ATOMIC_RELEASE);
    return table;
}

bool ground_state(struct pants_state *state, uint64_t now_ns) {
    char path[PANTS_RUNTIME_MAX];
    if (!pants_runtime_path(environ, sys_euid(), "/state", path, sizeof path)) return false;
    int fd = sys_open(path, O_RDONLY | O_NOCTTY | O_NONBLOCK);
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

uint32_t ground_parent(uint32_t pid) {
    char path[32], stat[512];
    struct pants_text text = pants_text_in(path, sizeof path);
    pants_text_put(&text, "/proc/");
    pants_text_number(&text, pid, 10);
    pants_text_put(&text, "/stat");
    int fd = sys_open(path, O_RDONLY);
    if (fd < 0) return 0;
    long got = sys_read(fd, stat, sizeof stat);
    sys_close(fd);
    uint32_t parent = 0;
    long at = got - 1;
    while (at >= 0 && stat[at] != ')') /* the name before it may hold anything */
        at--;
    for (at += 4; at > 3 && at < got && stat[at] >= '0' && stat[at] <= '9'; at++)
        parent = parent * 10 + (uint32_t)(stat[at] - '0');
    return parent;
}
