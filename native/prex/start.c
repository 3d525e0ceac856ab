/* Starts prexd in the background. One starter at a time: it holds users/UID/prexd.start locked until prexd
 * answers, so that of many stand-ins at once one starts it, and the others know that it is on its way. A byte
 * in that file says that the last start failed: then nobody waits for the next one. prexd holds a lock of its
 * own (prexd.lock), so a second one that is started by hand meanwhile ends itself. */
#include "prex.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "paths.h"

enum { START_MS = 10000, FAILED_MS = 2000 };

/* <prefix>/build/Release/prex -> <prefix>/bin/prexd */
static bool find_prexd(char *out, size_t size) {
    char self[4096];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (length < 0) return false;
    self[length] = '\0';
    for (int up = 0; up < 3; up++) {
        char *slash = strrchr(self, '/');
        if (!slash) return false;
        *slash = '\0';
    }
    return (size_t)snprintf(out, size, "%s/bin/prexd", self) < size && access(out, X_OK) == 0;
}

/* Where the system's programs are: prexd needs node, ssh and readlink, wherever the program that happened to start
 * it looked for its own. */
#define SYSTEM_PATH "/usr/local/bin:/usr/bin:/bin"

/* "PATH=" as it is, then the system's folders. */
static char *daemon_path(void) {
    const char *own = getenv("PATH");
    char *path = NULL;
    if (!own) own = "";
    return asprintf(&path, "PATH=%s%s" SYSTEM_PATH, own, *own ? ":" : "") < 0 ? NULL : path;
}

/* What a daemon should know of the program that happened to start it. */
static char **daemon_environment(void) {
    static const char *const kept[] = {"HOME=",       "USER=", "LOGNAME=", "SHELL=", "SSH_",
                                       "KRB5CCNAME=", "XDG_",  "LANG=",    "LC_",    "TMPDIR=",
                                       "PANTS_"};
    size_t count = 0;
    for (char **at = environ; *at; at++)
        count++;
    char **env = calloc(count + 2, sizeof *env), **to = env;
    if (env && (*to = daemon_path())) to++;
    for (char **at = environ; env && *at; at++)
        for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
            if (strncmp(*at, kept[i], strlen(kept[i])) == 0) *to++ = *at;
    return env;
}

/* What prexd must have, since it serves every program that comes later, whatever the first one was held to: a
 * soft limit below it is raised, and who may not raise it starts none. Node does not start, or hangs, with less
 * than 1 GB of address space or 64 MB of data (v20). */
static const struct {
    int resource;
    rlim_t least;
} needed[] = {
    {RLIMIT_CPU, RLIM_INFINITY},     {RLIMIT_FSIZE, RLIM_INFINITY}, {RLIMIT_AS, (rlim_t)4 << 30},
    {RLIMIT_DATA, (rlim_t)1 << 30}, {RLIMIT_STACK, 2 << 20},       {RLIMIT_NOFILE, 1024},
};

static bool limits_suffice(void) {
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
        struct rlimit limit;
        if (getrlimit(needed[i].resource, &limit) == 0 && limit.rlim_max < needed[i].least) return false;
    }
    return true;
}

static void raise_limits(void) {
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
        struct rlimit limit;
        if (getrlimit(needed[i].resource, &limit) < 0 || limit.rlim_cur >= needed[i].least) continue;
        limit.rlim_cur = needed[i].least;
        setrlimit(needed[i].resource, &limit);
    }
}

/* As a login would have it, as far as we may: not as the first program of many happened to be. */
static void schedule_as_usual(void) {
    cpu_set_t all;
    memset(&all, 0xff, sizeof all);
    sched_setaffinity(0, sizeof all, &all); /* the kernel keeps to those that we may use */
    syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, &(struct sched_param){0}); /* musl has none */
    setpriority(PRIO_PROCESS, 0, 0);
}

static noreturn void become_prexd(const char *prexd) {
    char log[PANTS_RUNTIME_MAX];
    char **env = daemon_environment();
    uint64_t none = 0;
    for (int signal = 1; signal < NSIG; signal++)
        sigaction(signal, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, sizeof none);
    umask(077);
    raise_limits();
    schedule_as_usual();
    int null = open("/dev/null", O_RDWR), err = null;
    if (pants_user_path(environ, geteuid(), "/prexd.log", log, sizeof log))
        err = open(log, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NOCTTY, 0600);
    dup2(err >= 0 ? err : null, 2); /* first: all three were closed, so the log may be descriptor 1 */
    dup2(null, 0);
    dup2(null, 1);
    for (int fd = 3; fd < 1024; fd++)
        close(fd);
    char *argv[] = {(char *)prexd, NULL};
    if (env && chdir("/") == 0) execve(prexd, argv, env);
    _exit(127);
}

/* Lives until prexd answers, or for a while when it fails, so that it is not tried again at once. */
static noreturn void watch_over(const char *prexd, int lock) {
    int64_t began_ms = now_ms();
    setsid();
    for (int fd = 0; fd < 3; fd++)
        close(fd); /* whoever reads our output waits for its end */
    pid_t pid = fork();
    if (pid == 0) become_prexd(prexd);
    while (pid > 0 && now_ms() - began_ms < START_MS && waitpid(pid, NULL, WNOHANG) == 0) {
        if (helper_lives()) _exit(ftruncate(lock, 0) != 0);
        poll(NULL, 0, 20);
    }
    if (pwrite(lock, "!", 1, 0) != 1) _exit(1);
    int64_t left_ms = FAILED_MS - (now_ms() - began_ms);
    if (left_ms > 0) poll(NULL, 0, (int)left_ms);
    _exit(1);
}

static void close_inherited(int keep_from) {
    if (syscall(SYS_close_range, 3, keep_from - 1, 0) == 0 &&
        syscall(SYS_close_range, keep_from + 1, ~0u, 0) == 0)
        return;
    for (int fd = 3; fd < 65536; fd++)
        if (fd != keep_from) close(fd);
}

static void make_directories(void) {
    char path[PANTS_RUNTIME_MAX];
    if (pants_runtime_path(environ, geteuid(), "", path, sizeof path)) mkdir(path, 0755);
    if (pants_runtime_path(environ, geteuid(), "/users", path, sizeof path)) mkdir(path, 0755);
    if (pants_user_path(environ, geteuid(), "", path, sizeof path)) mkdir(path, 0700);
}

bool helper_start(const char **why, bool *on_its_way) {
    char lock[PANTS_RUNTIME_MAX], prexd[4096];
    if (!find_prexd(prexd, sizeof prexd))
        return *why = "prexd was not running; bin/prexd is not where prex looks", false;
    make_directories();
    if (!pants_user_path(environ, geteuid(), "/prexd.start", lock, sizeof lock))
        return *why = "the path is too long", false;
    int fd = above_stdio(open(lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (fd < 0) return *why = "prexd was not running; its directory cannot be written", false;
    struct stat st;
    bool failed = fstat(fd, &st) == 0 && st.st_size > 0;
    if (failed) *why = "prexd did not start: see prexd.log";
    *on_its_way = false;
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
        if (!limits_suffice()) {
            close(fd);
            return *why = "prexd was not running; ulimit here is too low for it", false;
        }
        /* A child that sends no SIGCHLD, since one would be pending when the program starts here. */
        long pid = syscall(SYS_clone, 0, 0, 0, 0, 0);
        if (pid == 0) {
            close_inherited(fd);
            if (fork() == 0) watch_over(prexd, fd);
            _exit(0);
        }
        if (pid > 0) waitpid((pid_t)pid, NULL, __WALL);
    } else
        *on_its_way = !failed;
    close(fd);
    return true;
}
