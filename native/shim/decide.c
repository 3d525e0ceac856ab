/* The decision about a marked program, in the order of ARCHITECTURE.md: here untouched, here in a slot, or by
 * the stand-in. Whatever is missing or broken means here. */
#include "shim.h"

struct ground {
    struct pants_table *table;
    struct pants_state state;
    bool fresh;
    uint64_t now_ns;
};

/* Inside a slot that exists: this process's own, or its parent's, lent. */
static bool has_slot(const struct ask *ask, struct pants_table *table, struct verdict *verdict) {
    uint32_t self = verdict->self;
    if (!ask->spawning && pants_slot_find(table, self, 0) >= 0) return true;
    verdict->holder = ask->spawning ? self : sys_parent();
    verdict->slot = pants_slot_lend(table, verdict->holder, self);
    verdict->lent = verdict->slot >= 0;
    return verdict->lent;
}

static bool take(int (*from)(struct pants_table *, uint32_t, uint64_t), const struct ask *ask,
                 struct pants_table *table, struct verdict *verdict) {
    verdict->holder = verdict->self;
    verdict->slot = from(table, verdict->holder, ask->spawning ? PANTS_SLOT_PENDING : 0);
    return verdict->slot >= 0;
}

enum { ANCESTORS_MAX = 64 };

/* Part of a job for another host: its session's leader holds a guest's slot. When everything is to be sent,
 * also in a session that a job began, or the job would travel on. */
static bool is_guest(const struct pants_table *table) {
    if (pants_slot_find(table, sys_session(), PANTS_SLOT_GUEST) >= 0) return true;
    uint32_t pid = policy_always() ? sys_parent() : 0;
    for (int i = 0; i < ANCESTORS_MAX && pid > 1; i++, pid = ground_parent(pid))
        if (pants_slot_find(table, pid, PANTS_SLOT_GUEST) >= 0) return true;
    return false;
}

/* prex would only look for a host from over there. */
static bool is_standin(const char *path, const char *standin) {
    struct sys_seen one, other;
    return sys_stat(AT_FDCWD, path, &one) && sys_stat(AT_FDCWD, standin, &other) && one.ino == other.ino &&
           one.dev_major == other.dev_major && one.dev_minor == other.dev_minor;
}

static const char *unfit(const struct ask *ask) {
    if (ask->unfit) return ask->unfit;
    if (!ask->argv || !ask->argv[0]) return "no arguments at all";
    return sys_uid() != sys_euid() ? "real and effective user differ" : NULL;
}

static enum pants_reason judge(const struct ask *ask, const struct ground *ground, struct verdict *verdict,
                               const char **detail) {
    size_t variable, entries;
    bool traced;
    struct pants_table *table = ground->table;
    const struct pants_state *state = &ground->state;
    if ((*detail = unfit(ask))) return PANTS_WHY_UNFIT;
    if (table && is_guest(table)) return PANTS_WHY_GUEST;
    if (!ground->fresh) return *detail = "no state record, or a stale or torn one", PANTS_WHY_NO_DAEMON;
    if (!table) return *detail = "no slot table", PANTS_WHY_NO_DAEMON;
    bool always = policy_always(), direct = !pants_queue_first(table, ground->now_ns);
    if (!always) {
        if (has_slot(ask, table, verdict)) return PANTS_WHY_LENT;
        if (direct && !state->busy && take(pants_slot_take, ask, table, verdict)) return PANTS_WHY_SLOT;
        /* Nobody can help now: here all the same, as long as that does not drown this host. Else prexd lets
         * it wait. */
        if (direct && !state->remote && state->remote_after_ns > ground->now_ns &&
            (take(pants_slot_take, ask, table, verdict) || take(pants_beside_take, ask, table, verdict)))
            return PANTS_WHY_NO_REMOTE;
    }
    /* Not earlier, because the kernel takes longer over a status in /proc than all the rest takes. */
    if ((*detail = ground_held(state, &traced))) return PANTS_WHY_UNFIT;
    if (has_capabilities(ask->path)) return *detail = "has capabilities", PANTS_WHY_UNFIT;
    if (!standin_find(verdict->standin, sizeof verdict->standin)) return PANTS_WHY_NO_STANDIN;
    if (!standin_fits(ask, &variable, &entries)) return *detail = "arguments too long", PANTS_WHY_UNFIT;
    if (always && is_standin(ask->path, verdict->standin)) return *detail = "prex itself", PANTS_WHY_UNFIT;
    verdict->stand_in = true;
    verdict->why = always ? PANTS_RUN_ALWAYS : state->busy ? PANTS_RUN_BUSY : direct ? 0 : PANTS_RUN_FIRST;
    if (always) return PANTS_WHY_ALWAYS;
    if (state->busy) return PANTS_WHY_REMOTE_BUSY;
    return direct ? PANTS_WHY_REMOTE_FULL : PANTS_WHY_REMOTE_FIRST;
}

void decide(const struct ask *ask, struct verdict *verdict) {
    const char *disabled = pants_variable(environ, "PANTS_DISABLE"), *detail = NULL;
    verdict->stand_in = verdict->lent = false;
    verdict->slot = -1;
    if (disabled && *disabled == '1') return;
    struct ground ground;
    verdict->self = sys_pid();
    ground.now_ns = sys_boot_ns();
    ground.table = ground_map();
    ground.fresh = ground_state(&ground.state, ground.now_ns);
    if (!ground.fresh) ground.state.index = PANTS_INDEX_NONE;
    enum pants_reason reason = judge(ask, &ground, verdict, &detail);
    report(ground.table, ask, verdict, reason, detail, &ground.state, ground.now_ns);
}

void settle(const struct verdict *verdict, uint32_t pid) {
    if (verdict->slot < 0) return;
    struct pants_table *table = ground_map();
    if (!table) return;
    if (verdict->lent)
        pants_slot_lend_to(table, verdict->slot, verdict->holder, verdict->self, pid);
    else if (pid)
        pants_slot_convert(table, verdict->slot, verdict->holder, pid);
    else
        pants_slot_release(table, verdict->slot, verdict->holder);
}
