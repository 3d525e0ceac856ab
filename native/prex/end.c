/* Ends as the program ended, so that the parent's wait status is the program's: its exit code, or the signal
 * itself and not 128 + n. */
#include "prex.h"
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

noreturn void end_by_signal(int number) {
    uint64_t none = 0;
    /* A core of the stand-in would say nothing about the program. */
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    prctl(PR_SET_DUMPABLE, 0);
    signal(number, SIG_DFL);
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, sizeof none);
    kill(getpid(), number);
    _exit(128 + number);
}

noreturn void end_as(int status) {
    if (WIFSIGNALED(status)) end_by_signal(WTERMSIG(status));
    _exit(WEXITSTATUS(status));
}
