/* The local exec: in a slot if one is free, with everything as it was. */
#include "prex.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "../shim/shim.h"

static bool by_hand_job(const struct job *job) {
    return job->flags & PANTS_RUN_BY_HAND;
}

void record(const struct job *job, enum pants_where where, enum pants_reason reason, const char *host,
            const char *detail) {
    struct pants_state state;
    struct pants_table *table = ground_map();
    if (!table) return;
    struct pants_why why = {.time_ns = sys_boot_ns(),
                            .pid = getpid(),
                            .uid = getuid(),
                            .where = (uint8_t)where,
                            .reason = (uint8_t)reason,
                            .duration_ms = (uint32_t)(now_ms() - job->since_ms),
                            .status = -1};
    if (ground_state(&state, why.time_ns)) why.index = state.index;
    pants_copy_tail(why.program, sizeof why.program, job->path);
    snprintf(why.host, sizeof why.host, "%.*s", (int)strcspn(host, " "), host);
    snprintf(why.detail, sizeof why.detail, "%s", detail);
    pants_why_append(table, &why);
}

/* One beside the slots if none is free, and none at all if those are taken too. */
static void take_slot(void) {
    struct pants_table *table = ground_map();
    uint32_t self = (uint32_t)getpid();
    if (!table || pants_slot_find(table, self, 0) >= 0) return;
    if (pants_slot_take(table, self, 0) < 0) pants_beside_take(table, self, 0);
}

/* A headerless script is a shell's, asked for by hand: execvp does the same. */
static void exec_by_shell(const struct job *job) {
    size_t count = 0;
    while (job->argv[count])
        count++;
    char **argv = calloc(count + 3, sizeof *argv);
    if (!argv) return;
    argv[0] = "/bin/sh";
    argv[1] = (char *)job->path;
    for (size_t i = 1; i < count; i++)
        argv[i + 1] = job->argv[i];
    execve(argv[0], argv, job->env);
}

noreturn void run_here(const struct job *job, enum pants_reason reason, const char *detail) {
    const char *words = report_words(reason);
    const char *colon = *detail ? ": " : "";
    if (by_hand_job(job))
        fprintf(stderr, "prex: running %s here: %s%s%s\n", job->argv[0], words, colon, detail);
    else if (debugging())
        fprintf(stderr, "prex: %s: here: %s%s%s\n", job->path, words, colon, detail);
    take_slot();
    record(job, PANTS_WHERE_HERE, reason, "", detail);
    signals_restore();
    execve(job->path, job->argv, job->env);
    int error = errno;
    if (error == ENOEXEC && by_hand_job(job)) exec_by_shell(job);
    fprintf(stderr, "prex: %s: %s\n", job->path, strerror(error));
    _exit(error == ENOENT ? 127 : 126);
}
