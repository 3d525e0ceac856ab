/* prex --hold REPORT RELATION PATH ARGV...: between an agent and the program of one job. Whatever the program
 * starts stays below us (subreaper), daemons and new sessions too, so that the agent finds all of it; and the
 * program need not lead a session there when it would lead none at home. To the descriptor REPORT it says the
 * program's pid, or -errno when there is none, then each signal that stops it: int32 each. It ends as the
 * program ends; what is left then goes to the agent's keeper. */
#include "prex.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct start {
    const char *path;
    char **argv;
    int report;
    enum relation relation;
    bool child_ignored;
    uint64_t blocked;
    volatile int error; /* written by the child, which shares our memory until its exec */
};

static noreturn void become(struct start *start) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (start->relation == LEADS_SESSION) setsid();
    if (start->relation == LEADS_GROUP) {
        pid_t before = getpgrp();
        int tty = open("/dev/tty", O_RDWR | O_CLOEXEC);
        setpgid(0, 0);
        /* SIGTTOU is blocked here, as all are. */
        if (tty >= 0 && tcgetpgrp(tty) == before) tcsetpgrp(tty, getpid());
        if (tty >= 0) close(tty);
    }
    close(start->report);
    /* In our memory, but not in our table of signals. */
    if (start->child_ignored) signal(SIGCHLD, SIG_IGN);
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &start->blocked, NULL, sizeof start->blocked);
    execve(start->path, start->argv, environ);
    start->error = errno;
    _exit(127);
}

static __attribute__((noinline)) pid_t begin(struct start *start) {
    pid_t pid = vfork();
    if (pid == 0) become(start);
    return pid;
}

static bool say(int report, int32_t what) {
    return write(report, &what, sizeof what) == (ssize_t)sizeof what;
}

/* True when the program has ended. */
static bool look(pid_t program, int report, int *status) {
    int one;
    for (pid_t pid; (pid = waitpid(-1, &one, WNOHANG | WUNTRACED)) > 0;) {
        if (pid != program) continue;
        *status = one;
        if (!WIFSTOPPED(one)) return true;
        say(report, WSTOPSIG(one));
    }
    return false;
}

noreturn void hold(char **words) {
    static const uint64_t all = ~UINT64_C(0);
    if (!words[0] || !words[1] || !words[2] || !words[3]) _exit(2);
    struct start start = {.path = words[2], .argv = words + 3};
    start.report = atoi(words[0]);
    start.relation = (enum relation)atoi(words[1]);
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &start.blocked, sizeof all);
    start.child_ignored = signal(SIGCHLD, SIG_DFL) == SIG_IGN; /* ignored, it would leave us no status */
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    prctl(PR_SET_NAME, "prex-hold");
    files_settle(start.argv); /* what home has changed is there for the program */
    pid_t pid = begin(&start);
    int error = pid < 0 ? errno : start.error, status = 0;
    say(start.report, error ? -error : pid);
    if (error) _exit(127);
    /* Held here, nobody would see the program's streams end, nor a file system be free. */
    if (syscall(SYS_close_range, 0, start.report - 1, 0) != 0)
        for (int fd = 0; fd < start.report; fd++)
            close(fd);
    syscall(SYS_close_range, start.report + 1, ~0u, 0);
    (void)!chdir("/");
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    while (!look(pid, start.report, &status))
        sigwaitinfo(&child, NULL);
    end_as(status);
}
