/* All that a program can see of how it was started, one line each: what must not depend on the host that runs
 * it. With an argument `hold` it says so and waits for a signal afterwards. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <grp.h>
#include <langinfo.h>
#include <locale.h>
#include <sched.h>
#include <stdbool.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

extern char **environ;

static void print_bytes(const char *name, const char *bytes) {
    printf("%s ", name);
    for (; *bytes; bytes++)
        printf((unsigned char)*bytes < 32 || (unsigned char)*bytes > 126 ? "\\%03o" : "%c",
               (unsigned char)*bytes);
    printf("\n");
}

static void print_file(const char *path, const char *const *names) {
    FILE *file = fopen(path, "re");
    char line[512];
    while (file && fgets(line, sizeof line, file))
        for (const char *const *name = names; *name; name++)
            if (strncmp(line, *name, strlen(*name)) == 0) fputs(line, stdout);
    if (file) fclose(file);
}

int main(int argc, char **argv) {
    for (int i = 0; i < argc; i++)
        print_bytes("argument", argv[i]);
    for (char **at = environ; *at; at++)
        if (strncmp(*at, "LD_PRELOAD=", 11) != 0 && strncmp(*at, "PANTS_", 6) != 0)
            print_bytes("environment", *at);

    char cwd[4096];
    struct stat here, named;
    const char *pwd = getenv("PWD");
    print_bytes("cwd", getcwd(cwd, sizeof cwd) ? cwd : "none");
    bool same = pwd && stat(pwd, &named) == 0 && stat(".", &here) == 0 && named.st_ino == here.st_ino;
    printf("PWD names it %d\n", same);
    mode_t mask = umask(0);
    printf("umask %o\n", mask);

    for (int i = 0; i < 16; i++) {
        struct rlimit limit;
        if (getrlimit(i, &limit) == 0)
            printf("limit %d %lx %lx\n", i, (long)limit.rlim_cur, (long)limit.rlim_max);
    }
    struct sched_param parameters = {0};
    sched_getparam(0, &parameters);
    printf("nice %d class %d priority %d io %ld\n", getpriority(PRIO_PROCESS, 0), sched_getscheduler(0),
           parameters.sched_priority, syscall(SYS_ioprio_get, 1, 0));
    printf("timer slack %d dumpable %d no new privileges %d\n", prctl(PR_GET_TIMERSLACK),
           prctl(PR_GET_DUMPABLE), prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));

    static const char *const masks[] = {"SigPnd", "ShdPnd", "SigBlk", "SigIgn", "SigCgt", NULL};
    print_file("/proc/self/status", masks);
    static const char *const whole[] = {"", NULL};
    printf("name ");
    print_file("/proc/self/comm", whole);

    printf("leads its session %d, its group %d, parent in its session %d\n", getsid(0) == getpid(),
           getpgrp() == getpid(), getsid(getppid()) == getsid(0));
    int tty = open("/dev/tty", O_RDWR | O_CLOEXEC);
    printf("has a terminal %d\n", tty >= 0);

    printf("user %d %d group %d %d groups", getuid(), geteuid(), getgid(), getegid());
    gid_t groups[256];
    int count = getgroups(256, groups);
    for (int i = 0; i < count; i++)
        printf(" %d", groups[i]);
    printf("\n");
    const char *locale = setlocale(LC_ALL, "");
    printf("locale %s %s\n", locale ? locale : "unknown", nl_langinfo(CODESET));
    printf("descriptors");
    if (tty >= 0) close(tty);
    for (int fd = 0; fd < 64; fd++)
        if (fcntl(fd, F_GETFD) >= 0) printf(" %d", fd);
    printf("\n");
    fflush(stdout);
    if (argc > 1 && strcmp(argv[1], "hold") == 0) pause();
    return 0;
}
