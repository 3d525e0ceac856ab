/* boxed BOX PROGRAM [ARG]...: enters a sandbox and becomes PROGRAM. BOX: nnp (no_new_privs), seccomp (a
 * filter that lets everything pass), deadly (one that kills for prctl), thread (a thread with such a filter
 * starts PROGRAM, without one for the others). Filters are set without no_new_privs, which takes root. */
#define _GNU_SOURCE
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <spawn.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static int filter(bool deadly) {
    struct sock_filter steps[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_prctl, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, deadly ? SECCOMP_RET_KILL_PROCESS : SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof steps / sizeof *steps, steps};
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
}

static void *start(void *argv) {
    pid_t pid;
    if (filter(false) != 0) return perror("seccomp"), NULL;
    if (posix_spawn(&pid, ((char **)argv)[0], NULL, NULL, argv, environ) == 0) waitpid(pid, NULL, 0);
    return NULL;
}

int main(int argc, char **argv) {
    if (argc < 3) return 2;
    pthread_t thread;
    int failed = 0;
    if (strcmp(argv[1], "nnp") == 0) failed = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (strcmp(argv[1], "seccomp") == 0 || strcmp(argv[1], "deadly") == 0) failed = filter(*argv[1] == 'd');
    if (strcmp(argv[1], "thread") == 0)
        return pthread_create(&thread, NULL, start, argv + 2) + pthread_join(thread, NULL);
    if (failed) return perror(argv[1]), 1;
    execv(argv[2], argv + 2);
    return 1;
}
