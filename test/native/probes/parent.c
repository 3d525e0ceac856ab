/* parent WHAT PROGRAM [ARG]...: starts PROGRAM, does something to it and says what came of it. WHAT:
 *   signals N...-   sends each number in turn (up to `-`) and waits: how did it end?
 *   stop N          stops it by signal N once it speaks, sees it stopped, continues and ends it
 *   kill            SIGKILL once it speaks
 *   orphan          it gets PDEATHSIG SIGKILL, and its parent (a child of ours) dies once it speaks
 *   group           in a process group of its own
 *   spawn           by posix_spawn with a group of its own, signals ignored and blocked by its attributes
 * PROGRAM says a line when it is ready; it reads nothing. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;
static int ready[2];

static pid_t start(char **command, bool group, bool tied) {
    pid_t pid = fork();
    if (pid != 0) return pid;
    if (group) setpgid(0, 0);
    if (tied) prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(ready[1], 1);
    close(ready[0]);
    close(ready[1]);
    execv(command[0], command);
    _exit(99);
}

static void until_it_speaks(void) {
    char c;
    while (read(ready[0], &c, 1) == 1 && c != '\n')
        continue;
}

/* True when nothing holds the other end of its output any more: all of it is dead. */
static bool silent(void) {
    char c;
    alarm(30);
    while (read(ready[0], &c, 1) > 0)
        continue;
    alarm(0);
    return true;
}

static void say(const char *what, int status) {
    if (WIFSTOPPED(status))
        printf("%s: stopped by %d\n", what, WSTOPSIG(status));
    else if (WIFCONTINUED(status))
        printf("%s: goes on\n", what);
    else if (WIFSIGNALED(status))
        printf("%s: died of %d\n", what, WTERMSIG(status));
    else
        printf("%s: ended with %d\n", what, WEXITSTATUS(status));
    fflush(stdout);
}

int main(int argc, char **argv) {
    int status = 0, i = 2;
    if (argc < 3 || pipe2(ready, O_CLOEXEC) != 0) return 2;
    const char *what = argv[1];
    if (strcmp(what, "signals") == 0) {
        int numbers[64], count = 0;
        for (; i < argc && strcmp(argv[i], "-") != 0; i++)
            numbers[count++] = atoi(argv[i]);
        for (int k = 0; k < count; k++) {
            pid_t pid = start(argv + i + 1, false, false);
            until_it_speaks();
            kill(pid, numbers[k]);
            waitpid(pid, &status, 0);
            char name[32];
            snprintf(name, sizeof name, "signal %d", numbers[k]);
            say(name, status);
        }
    } else if (strcmp(what, "stop") == 0) {
        int number = atoi(argv[2]);
        pid_t pid = start(argv + 3, true, false);
        until_it_speaks();
        kill(pid, number);
        waitpid(pid, &status, WUNTRACED);
        say("stopping", status);
        kill(pid, SIGCONT);
        waitpid(pid, &status, WCONTINUED);
        say("continuing", status);
        kill(pid, SIGTERM);
        waitpid(pid, &status, 0);
        say("ending", status);
    } else if (strcmp(what, "kill") == 0) {
        pid_t pid = start(argv + 2, false, false);
        close(ready[1]);
        until_it_speaks();
        kill(pid, SIGKILL);
        waitpid(pid, &status, 0);
        say("killing", status);
        printf("its tree is dead %d\n", silent());
    } else if (strcmp(what, "orphan") == 0) {
        pid_t middle = fork();
        if (middle == 0) {
            start(argv + 2, false, true);
            until_it_speaks();
            _exit(0);
        }
        close(ready[1]);
        waitpid(middle, &status, 0);
        say("its parent", status);
        printf("its tree is dead %d\n", silent());
    } else if (strcmp(what, "group") == 0) {
        waitpid(start(argv + 2, true, false), &status, 0);
        silent();
        say("in a group", status);
    } else if (strcmp(what, "spawn") == 0) {
        posix_spawnattr_t attributes;
        sigset_t blocked, reset;
        pid_t pid;
        signal(SIGUSR2, SIG_IGN);
        signal(SIGPIPE, SIG_IGN);
        sigemptyset(&blocked);
        sigaddset(&blocked, SIGUSR1);
        sigemptyset(&reset);
        sigaddset(&reset, SIGUSR2);
        posix_spawnattr_init(&attributes);
        posix_spawnattr_setflags(&attributes,
                                 POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
        posix_spawnattr_setsigmask(&attributes, &blocked);
        posix_spawnattr_setsigdefault(&attributes, &reset);
        int error = posix_spawn(&pid, argv[2], NULL, &attributes, argv + 2, environ);
        if (error) return printf("error %d\n", error), 1;
        waitpid(pid, &status, 0);
        say("spawned", status);
    } else
        return 2;
    return 0;
}
