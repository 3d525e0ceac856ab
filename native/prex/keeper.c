/* prex --keep PROGRAM ARG...: the parent of an agent. When the agent has ended, however it ended, everything
 * that it started and that is still there is killed, daemons of daemons too, and only then the keeper ends:
 * it is a subreaper, so that nothing leaves its tree. Whoever can take the link's lock knows that all of it
 * is dead. */
#include "prex.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "paths.h"
#include "tree.h"

/* Path of the lock: PANTS_LINK_LOCK, or that of `--link ID` among the arguments; false = none wanted. */
static bool lock_path(char **command, char *out, size_t size) {
    const char *given = getenv("PANTS_LINK_LOCK");
    if (given && *given) return (size_t)snprintf(out, size, "%s", given) < size;
    for (; command[0] && command[1]; command++) {
        if (strcmp(command[0], "--link") != 0) continue;
        if (!*command[1] || strspn(command[1], "0123456789abcdef") != strlen(command[1])) return false;
        char tail[128], path[PANTS_RUNTIME_MAX];
        static const char *const folders[] = {"", "/users"};
        for (int i = 0; i < 2; i++)
            if (pants_runtime_path(environ, geteuid(), folders[i], path, sizeof path)) mkdir(path, 0755);
        if (pants_user_path(environ, geteuid(), "", path, sizeof path)) mkdir(path, 0700);
        return snprintf(tail, sizeof tail, "/agent-%s.lock", command[1]) < (int)sizeof tail &&
               pants_user_path(environ, geteuid(), tail, out, size);
    }
    return false;
}

/* Not close-on-exec: the agent keeps it too, in case that somebody kills the keeper. */
static void take_lock(char **command) {
    char path[4096];
    if (!lock_path(command, path, sizeof path)) return;
    int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0) return;
    fprintf(stderr, "prex: cannot lock %s: %s\n", path, strerror(errno));
    exit(1);
}

static pid_t begin(char **command, const sigset_t *before) {
    pid_t keeper = getpid(), pid = fork();
    if (pid != 0) return pid;
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != keeper) _exit(143);
    sigprocmask(SIG_SETMASK, before, NULL);
    execvp(command[0], command);
    fprintf(stderr, "prex: %s: %s\n", command[0], strerror(errno));
    _exit(errno == ENOENT ? 127 : 126);
}

/* Reaps all that has ended. True when `pid` was among it. */
static bool reap(pid_t pid, int *status) {
    bool ended = false;
    int one;
    for (pid_t got; (got = waitpid(-1, &one, WNOHANG)) > 0;)
        if (got == pid) *status = one, ended = true;
    return ended;
}

/* Until no child is left. What a killed process leaves comes to us, so each round sees it. */
static void end_all(const sigset_t *watched) {
    int ignored;
    for (;;) {
        kill_descendants();
        reap(0, &ignored);
        if (waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD) return;
        sigtimedwait(watched, NULL, &(struct timespec){0, 10000000});
    }
}

noreturn void keep(char **command) {
    sigset_t watched, before;
    int status = 0;
    if (!command[0]) {
        fputs("prex: --keep needs a program\n", stderr);
        exit(2);
    }
    prctl(PR_SET_NAME, "prex-keep");
    take_lock(command);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    sigemptyset(&watched);
    static const int signals[] = {SIGCHLD, SIGTERM, SIGINT, SIGHUP};
    for (int i = 0; i < 4; i++)
        sigaddset(&watched, signals[i]);
    signal(SIGCHLD, SIG_DFL); /* ignored, it would reap by itself and give no status */
    sigprocmask(SIG_BLOCK, &watched, &before);
    pid_t pid = begin(command, &before);
    if (pid < 0) {
        fprintf(stderr, "prex: cannot start %s: %s\n", command[0], strerror(errno));
        exit(126);
    }
    /* Its streams are the agent's: held here too, home would not see them end with the agent. */
    for (int fd = 0; fd < 2; fd++)
        close(fd);
    while (!reap(pid, &status)) {
        int signal = sigwaitinfo(&watched, NULL);
        if (signal > 0 && signal != SIGCHLD) kill(pid, signal);
    }
    end_all(&watched);
    end_as(status);
}
