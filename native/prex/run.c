/* What prexd has to know to run a job as it would run here: see struct pants_run. */
#include "prex.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static void put(struct bytes *out, const void *data, size_t size) {
    memcpy(out->at + out->size, data, size);
    out->size += size;
}

static void put_string(struct bytes *out, const char *string) {
    uint32_t length = (uint32_t)strlen(string);
    put(out, &length, sizeof length);
    put(out, string, length);
}

static uint32_t strings(char *const *list, size_t *size) {
    uint32_t count = 0;
    for (; list[count]; count++)
        *size += sizeof(uint32_t) + strlen(list[count]);
    return count;
}

/* Of what the program leads, and how it is scheduled. False: in real time. */
static bool place(uint32_t *flags) {
    /* musl's own wrapper refuses to say. */
    long policy = syscall(SYS_sched_getscheduler, 0) & ~(long)SCHED_RESET_ON_FORK;
    if (getsid(0) == getpid())
        *flags |= PANTS_RUN_LEADS_SESSION;
    else if (getpgrp() == getpid())
        *flags |= PANTS_RUN_LEADS_GROUP;
    if (policy == SCHED_BATCH) *flags |= PANTS_RUN_BATCH;
    if (policy == SCHED_IDLE) *flags |= PANTS_RUN_IDLE;
    return policy == SCHED_OTHER || policy == SCHED_BATCH || policy == SCHED_IDLE;
}

static void describe(const struct job *job, struct pants_run *run, size_t *size) {
    memset(run, 0, sizeof *run);
    run->flags = job->flags;
    if (terminal_is_ours()) run->flags |= PANTS_RUN_TERMINAL;
    run->umask = umask(0);
    umask(run->umask);
    run->fd_count = (uint32_t)inherited.count;
    for (int i = 0; i < inherited.count; i++)
        run->fds[i] = (uint8_t)inherited.fds[i];
    run->argc = strings(job->argv, size);
    run->envc = strings(job->env, size);
    run->nice = getpriority(PRIO_PROCESS, 0);
    run->ignored = signals_ignored;
    run->blocked = signals_blocked;
    for (int i = 0; i < 16; i++) {
        struct rlimit limit;
        bool known = getrlimit(i, &limit) == 0;
        run->rlimits[i][0] = known && limit.rlim_cur != RLIM_INFINITY ? limit.rlim_cur : UINT64_MAX;
        run->rlimits[i][1] = known && limit.rlim_max != RLIM_INFINITY ? limit.rlim_max : UINT64_MAX;
    }
}

struct bytes run_message(const struct job *job, const char *after, const char **why) {
    struct pants_run run;
    struct bytes out = {NULL, 0};
    size_t size = sizeof(struct pants_msg) + PANTS_RUN_FIXED + 5 * sizeof(uint32_t);
    char *cwd = getcwd(NULL, 0);
    /* "(unreachable)/..." when it is outside our root. */
    if (!cwd || *cwd != '/') return free(cwd), *why = "the working directory has no path", out;
    describe(job, &run, &size);
    if (!place(&run.flags)) return free(cwd), *why = "it is scheduled in real time", out;
    size += 2 * strlen(cwd) + 1 + strlen(job->path) + strlen(job->host) + strlen(after);
    if (size > PANTS_MSG_LENGTH_MAX || !(out.at = malloc(size)))
        return free(cwd), *why = "arguments and environment are too long", out;
    out.size = sizeof(struct pants_msg);
    put(&out, &run, sizeof run);
    put_string(&out, cwd);
    char *path = out.at + out.size;
    put_string(&out, *job->path == '/' ? "" : cwd);
    if (*job->path != '/') put(&out, "/", 1);
    put(&out, job->path, strlen(job->path));
    uint32_t length = (uint32_t)(out.at + out.size - (path + sizeof length));
    memcpy(path, &length, sizeof length);
    put_string(&out, job->host);
    put_string(&out, after);
    for (char **at = job->argv; *at; at++)
        put_string(&out, *at);
    for (char **at = job->env; *at; at++)
        put_string(&out, *at);
    struct pants_msg head = {PANTS_MSG_MAGIC, PANTS_MSG_VERSION, PANTS_MSG_RUN,
                             (uint32_t)(out.size - sizeof head), 0};
    memcpy(out.at, &head, sizeof head);
    free(cwd);
    return out;
}
