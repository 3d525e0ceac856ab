/* Signals are blocked and read from a descriptor; dispositions stay as the program would have found them, so
 * that putting back the mask is all that a local exec needs. Raw calls, because libc hides signals 32 to 34.
 */
#include "prex.h"
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

uint64_t signals_ignored, signals_blocked;
static int fds[2] = {-1, -1};

#define BIT(n) (UINT64_C(1) << ((n)-1))
static const uint64_t all = ~UINT64_C(0);
static const uint64_t stopping = BIT(SIGTSTP) | BIT(SIGTTIN) | BIT(SIGTTOU);
/* By default they do nothing. */
static const uint64_t harmless = BIT(SIGCHLD) | BIT(SIGCONT) | BIT(SIGURG) | BIT(SIGWINCH);

static void set_mask(uint64_t mask) {
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, NULL, sizeof mask);
}

void signals_hold(void) {
    for (int n = 1; n <= 64; n++) {
        uintptr_t action[8] = {0}; /* the kernel's struct begins with the handler */
        if (syscall(SYS_rt_sigaction, n, NULL, action, sizeof all) == 0 && action[0] == (uintptr_t)SIG_IGN)
            signals_ignored |= BIT(n);
    }
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &signals_blocked, sizeof all);
}

void signals_restore(void) {
    set_mask(signals_blocked);
}

int signals_fd(bool started) {
    int *fd = &fds[started];
    if (*fd >= 0) return *fd;
    uint64_t mask = ~signals_ignored & ~BIT(SIGCHLD);
    /* What the program blocks stays pending for it when it runs here after all. */
    if (!started) mask &= ~signals_blocked & ~harmless;
    return *fd = above_stdio((int)syscall(SYS_signalfd4, -1, &mask, sizeof mask, SFD_CLOEXEC | SFD_NONBLOCK));
}

int signals_next(bool started) {
    struct signalfd_siginfo info;
    if (read(signals_fd(started), &info, sizeof info) != (ssize_t)sizeof info) return 0;
    return (int)info.ssi_signo | (info.ssi_code == SI_KERNEL ? 0x100 : 0);
}

bool signal_stops(int signal) {
    return signal == SIGSTOP || (signal >= 1 && signal <= 64 && (BIT(signal) & stopping));
}

/* In an orphaned process group the kernel ignores all but SIGSTOP: then we just go on, as the program would.
 */
void stop_self(int signal) {
    static const struct timespec at_once = {0, 0};
    uint64_t continued = BIT(SIGCONT);
    if (!signal_stops(signal)) signal = SIGSTOP;
    set_mask(all & ~BIT(signal));
    kill(getpid(), signal);
    set_mask(all);
    /* The caller tells the far side to go on; the signal that woke us must not do so once more. */
    syscall(SYS_rt_sigtimedwait, &continued, NULL, &at_once, sizeof continued);
}
