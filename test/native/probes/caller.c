/* caller [OPTION]... FUNCTION FILE [ARG]...: calls one exec or spawn function and says what came of it. A
 * function that replaces the process is called in a child; how the child ended is printed as a wait status.
 * Options: --vfork, --argv-null (argv {NULL}), --env-path=P (PATH in envp), --pad=N (an argument of N bytes),
 * --nofile (no descriptor left), --close=FD, --cloexec (hold a close-on-exec descriptor), --ignore=SIG,
 * --block=SIG,
 * --chdir=D (file action), --create=F (file action, O_EXCL), --nopid (no pid wanted), --null-actions. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;
static bool use_vfork, no_pid, use_actions;
static posix_spawn_file_actions_t actions;

static int exec_by(const char *how, const char *file, char **argv, char **envp) {
    const char *a = argv[0], *b = a ? argv[1] : NULL, *c = b ? argv[2] : NULL;
    if (strcmp(how, "execve") == 0) return execve(file, argv, envp);
    if (strcmp(how, "execv") == 0) return execv(file, argv);
    if (strcmp(how, "execvp") == 0) return execvp(file, argv);
    if (strcmp(how, "execvpe") == 0) return execvpe(file, argv, envp);
    /* An argument that is NULL ends the list, and execle's environment must follow just there. */
    if (strcmp(how, "execl") == 0) return execl(file, a, b, c, (char *)NULL);
    if (strcmp(how, "execlp") == 0) return execlp(file, a, b, c, (char *)NULL);
    if (strcmp(how, "execle") == 0 && !b) return execle(file, a, (char *)NULL, envp);
    if (strcmp(how, "execle") == 0 && !c) return execle(file, a, b, (char *)NULL, envp);
    if (strcmp(how, "execle") == 0) return execle(file, a, b, c, (char *)NULL, envp);
    fprintf(stderr, "caller: %s?\n", how);
    _exit(2);
}

static int spawn(const char *how, const char *file, char **argv, char **envp) {
    pid_t pid = 4711;
    int (*function)(pid_t *, const char *, const posix_spawn_file_actions_t *, const posix_spawnattr_t *,
                    char *const[], char *const[]) =
        strcmp(how, "posix_spawnp") == 0 ? posix_spawnp : posix_spawn;
    int error = function(no_pid ? NULL : &pid, file, use_actions ? &actions : NULL, NULL, argv, envp);
    int status = -1;
    pid_t waited = waitpid(-1, &status, 0);
    if (error)
        printf("spawn error %d pid %s child %s\n", error, pid == 4711 ? "untouched" : "touched",
               waited < 0 ? "none" : "left");
    else
        printf("spawn status %x pid %s\n", status, no_pid || pid == waited ? "right" : "wrong");
    return 0;
}

static int process(const char *how, const char *file, char **argv, char **envp) {
    volatile int error = 0;
    int status;
    pid_t pid = use_vfork ? vfork() : fork();
    if (pid == 0) {
        exec_by(how, file, argv, envp);
        error = errno;
        if (!use_vfork) printf("exec error %d\n", errno), fflush(stdout);
        _exit(99);
    }
    if (error) printf("exec error %d\n", error);
    if (waitpid(pid, &status, 0) != pid) return 1;
    printf("status %x\n", status);
    return 0;
}

int main(int argc, char **argv) {
    int i = 1;
    char *path_entry = NULL, *pad = NULL;
    bool empty = false, full = false;
    posix_spawn_file_actions_init(&actions);
    for (; i < argc && strncmp(argv[i], "--", 2) == 0; i++) {
        const char *option = argv[i] + 2, *value = strchr(option, '=') ? strchr(option, '=') + 1 : "";
        int number = atoi(value);
        if (strcmp(option, "vfork") == 0)
            use_vfork = true;
        else if (strcmp(option, "argv-null") == 0)
            empty = true;
        else if (strcmp(option, "nopid") == 0)
            no_pid = true;
        else if (strcmp(option, "nofile") == 0)
            full = true;
        else if (strcmp(option, "null-actions") == 0)
            use_actions = true;
        else if (strcmp(option, "cloexec") == 0)
            open("/dev/null", O_RDONLY | O_CLOEXEC);
        else if (strncmp(option, "env-path=", 9) == 0)
            path_entry = argv[i] + 6;
        else if (strncmp(option, "close=", 6) == 0)
            close(number);
        else if (strncmp(option, "ignore=", 7) == 0)
            signal(number, SIG_IGN);
        else if (strncmp(option, "pad=", 4) == 0) {
            pad = malloc((size_t)number + 1);
            memset(pad, 'x', (size_t)number);
            pad[number] = '\0';
        } else if (strncmp(option, "block=", 6) == 0) {
            sigset_t set;
            sigemptyset(&set);
            sigaddset(&set, number);
            sigprocmask(SIG_BLOCK, &set, NULL);
        } else if (strncmp(option, "chdir=", 6) == 0) {
            use_actions = true;
            posix_spawn_file_actions_addchdir_np(&actions, value);
        } else if (strncmp(option, "create=", 7) == 0) {
            use_actions = true;
            posix_spawn_file_actions_addopen(&actions, 9, value, O_WRONLY | O_CREAT | O_EXCL, 0600);
        } else
            return fprintf(stderr, "caller: %s?\n", argv[i]), 2;
    }
    if (argc - i < 2) return 2;
    const char *how = argv[i], *file = argv[i + 1];
    size_t count = 0;
    char **args = calloc((size_t)argc + 4096, sizeof *args), **envp = environ;
    if (!empty) {
        args[count++] = argv[i + 1];
        for (int k = i + 2; k < argc; k++)
            args[count++] = argv[k];
        /* The kernel takes at most 128 KiB in one argument. */
        for (size_t left = pad ? strlen(pad) : 0; left > 0;) {
            size_t piece = left < 100000 ? left : 100000;
            args[count++] = strndup(pad, piece);
            left -= piece;
        }
    }
    if (path_entry) {
        static char entry[4200];
        snprintf(entry, sizeof entry, "PATH=%s", strchr(path_entry, '=') + 1);
        size_t variables = 0, kept = 0;
        while (environ[variables])
            variables++;
        envp = calloc(variables + 2, sizeof *envp);
        for (char **at = environ; *at; at++)
            if (strncmp(*at, "PATH=", 5) != 0) envp[kept++] = *at;
        envp[kept] = entry;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (full) {
        struct rlimit few = {8, 8};
        setrlimit(RLIMIT_NOFILE, &few);
        while (open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0)
            continue;
    }
    return (strncmp(how, "posix_spawn", 11) == 0 ? spawn : process)(how, file, args, envp);
}
