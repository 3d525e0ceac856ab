/* A job's way: to prexd, and back with a status; or the local exec, for whatever reason. At most once: after
 * STARTED only an idempotent job is started again. */
#include "prex.h"
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Descriptors that are open are the program's there too; all else below /proc/self is this process's only. */
static bool names_own(char *const *argv) {
    for (; *argv; argv++) {
        const char *name = strstr(*argv, "/proc/self/");
        if (name && strncmp(name, "/proc/self/fd/", 14) != 0) return true;
    }
    return false;
}

/* Waits a little; a signal that would end the program here ends us. */
static void pause_ms(int ms) {
    struct pollfd wait = {.fd = signals_fd(false), .events = POLLIN};
    if (poll(&wait, 1, ms) <= 0) return;
    int signal = signals_next(false) & 0xff;
    if (signal == 0) return;
    if (signal_stops(signal))
        stop_self(signal);
    else
        end_by_signal(signal);
}

enum { RESTART_MS = 500 };

/* Connected, trying until `until_ms`, starting prexd when there is none. -1 and *why otherwise. Whoever
 * starts it for all runs here at once; the others wait for it, lest a whole build falls on this host while it
 * starts. */
static int reach(int64_t until_ms, const char **why) {
    int64_t following_ms = 0;
    const char *no_start = NULL;
    for (int64_t start_ms = now_ms();;) {
        bool absent = false, on_its_way = false;
        int fd = helper_connect(why, &absent);
        if (fd >= 0 || !absent) return fd;
        /* Again from time to time: who starts it for all of us may have seen it fail. */
        bool again = now_ms() >= start_ms, can = !again || helper_start(&no_start, &on_its_way);
        if (no_start) *why = no_start;
        if (!can) return -1;
        if (again) {
            if (on_its_way && until_ms == 0) until_ms = following_ms = now_ms() + START_WAIT_MS;
            if (!on_its_way && until_ms == following_ms) return -1;
            start_ms = now_ms() + RESTART_MS;
        }
        if (now_ms() >= until_ms) return -1;
        pause_ms(20);
    }
}

static noreturn void lost(const struct job *job, const char *line) {
    if (*line)
        fprintf(stderr, "%s%s", line, line[strlen(line) - 1] == '\n' ? "" : "\n");
    else
        fprintf(stderr, "prex: %s: lost after it was started elsewhere; not run again\n", job->path);
    kill(getpid(), SIGKILL);
    _exit(137);
}

/* The connection broke after the start. Returns when the program is to run here. */
static void again(const struct job *job, struct outcome *outcome) {
    char after[sizeof outcome->where];
    while (outcome->end == END_BROKEN) {
        int64_t orphans_dead_ms = now_ms() + PANTS_ORPHAN_WAIT_MS;
        const char *why = "";
        strcpy(after, outcome->where);
        bool answered = false;
        /* A prexd that was just killed may take a connection still: then there is another to be reached. */
        for (int fd; !answered && (fd = reach(orphans_dead_ms, &why)) >= 0 && now_ms() < orphans_dead_ms;) {
            talk(fd, job, after, outcome);
            answered = outcome->end != END_HERE || outcome->reason != PANTS_WHY_FAULT;
            if (!answered) pause_ms(100);
        }
        /* Unless somebody said that the first copy is dead, only time does. */
        if (answered && (outcome->end != END_HERE || outcome->reason != PANTS_WHY_UNFIT)) continue;
        while (now_ms() < orphans_dead_ms)
            pause_ms(100);
        outcome->end = END_HERE;
        outcome->text[0] = '\0';
    }
    if (outcome->end == END_HERE) outcome->reason = PANTS_WHY_RERUN;
}

noreturn void carry(struct job *job) {
    struct outcome outcome = {.end = END_HERE};
    const char *why = "";
    job->since_ms = now_ms();
    signals_hold();
    if (names_own(job->argv)) run_here(job, PANTS_WHY_UNFIT, "an argument names this process");
    if (!inherit_look(&why)) run_here(job, PANTS_WHY_UNFIT, why);
    int fd =
        reach(job->flags & (PANTS_RUN_BY_HAND | PANTS_RUN_ALWAYS) ? job->since_ms + HAND_WAIT_MS : 0, &why);
    if (fd < 0) run_here(job, PANTS_WHY_NO_HELPER, why);
    files_publish(job->argv);
    talk(fd, job, "", &outcome);
    if (outcome.end == END_BROKEN) {
        if (!(job->flags & PANTS_RUN_IDEMPOTENT)) {
            record(job, PANTS_WHERE_REMOTE, PANTS_WHY_LOST, outcome.where, "prexd broke off");
            lost(job, "");
        }
        again(job, &outcome);
    }
    if (outcome.end != END_HERE) files_settle(job->argv);
    if (outcome.end == END_STATUS) end_as(outcome.status);
    if (outcome.end == END_LOST) lost(job, outcome.text);
    run_here(job, outcome.reason, outcome.text);
}
