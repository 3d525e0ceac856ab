/* parent COUNT INTERVAL FOLDER CHILD ARG...: starts COUNT children, one every INTERVAL seconds, each with its
 * number (from 1) as last argument, and waits for them (paper, 3.2). FOLDER/log has a line of JSON with the
 * time for its beginning, for each child's start and end, and for its own end; FOLDER/child-N what child N
 * printed. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "child.h"

enum { CHILDREN_MAX = 1000 };

extern char **environ;
static FILE *log_file;
static pid_t pids[CHILDREN_MAX];

static sigset_t ends; /* blocked here, so that waiting hears of them, and not in the children */

static void stamp(const char *event, int child, int status) {
    fprintf(log_file, "{\"t\":%.3f,\"event\":\"%s\",\"child\":%d,\"status\":%d}\n", now_s(CLOCK_REALTIME),
            event, child, status);
    fflush(log_file);
}

static pid_t start(int child, const char *folder, char **argv) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/child-%d", folder, child);
    posix_spawn_file_actions_t into;
    posix_spawn_file_actions_init(&into);
    posix_spawnattr_t unblocked;
    sigset_t none;
    sigemptyset(&none);
    posix_spawnattr_init(&unblocked);
    posix_spawnattr_setsigmask(&unblocked, &none);
    posix_spawnattr_setflags(&unblocked, POSIX_SPAWN_SETSIGMASK);
    posix_spawn_file_actions_addopen(&into, 1, path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    stamp("start", child, 0);
    pid_t pid;
    int error = posix_spawn(&pid, argv[0], &into, &unblocked, argv, environ);
    posix_spawnattr_destroy(&unblocked);
    posix_spawn_file_actions_destroy(&into);
    if (error != 0) {
        errno = error;
        die(argv[0]);
    }
    return pid;
}

/* Takes the ends of children until a moment, or with `until` 0 all that are left. Returns how many failed. */
static int reap(int *running, double until) {
    int failed = 0;
    for (;;) {
        int status;
        pid_t pid = *running > 0 ? waitpid(-1, &status, WNOHANG) : 0;
        if (pid > 0) {
            int child = 0;
            while (pids[child] != pid)
                child++;
            stamp("end", child + 1, status);
            failed += status != 0;
            *running -= 1;
            continue;
        }
        double left = until - now_s(CLOCK_MONOTONIC);
        if (until == 0 ? *running == 0 : left <= 0) return failed;
        struct timespec wait = {until == 0 ? 3600 : (time_t)left,
                                until == 0 ? 0 : (long)((left - (time_t)left) * 1e9)};
        sigtimedwait(&ends, NULL, &wait);
    }
}

int main(int argc, char **argv) {
    if (argc < 5) return 2;
    int count = (int)number(argv[1]), running = 0, failed = 0;
    double interval = number(argv[2]);
    if (count > CHILDREN_MAX) return 2;
    char path[PATH_MAX], digits[16];
    snprintf(path, sizeof path, "%s/log", argv[3]);
    log_file = fopen(path, "we");
    if (log_file == NULL) die(path);
    sigemptyset(&ends);
    sigaddset(&ends, SIGCHLD);
    sigprocmask(SIG_BLOCK, &ends, NULL);
    char **child_argv = calloc((size_t)argc, sizeof *child_argv);
    if (child_argv == NULL) die("calloc");
    memcpy(child_argv, argv + 4, (size_t)(argc - 4) * sizeof *argv);
    child_argv[argc - 4] = digits;
    stamp("begin", 0, 0);
    double began = now_s(CLOCK_MONOTONIC);
    for (int i = 0; i < count; i++) {
        if (i > 0) failed += reap(&running, began + i * interval);
        snprintf(digits, sizeof digits, "%d", i + 1);
        pids[i] = start(i + 1, argv[3], child_argv);
        running++;
    }
    failed += reap(&running, 0);
    stamp("done", 0, failed);
    return failed == 0 ? 0 : 1;
}
