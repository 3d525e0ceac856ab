/* stamp run COUNT GAP_MS PROGRAM: starts PROGRAM COUNT times, one after the other and GAP_MS apart, and prints when
 * it called for it, when that call came back and when it had its status. stamp in the place of `true`: writes when
 * it began and when it ended, to the file STAMPS. All in ns of CLOCK_MONOTONIC, "station ns" a line. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static long long now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static int be_true(long long began)
{
    char line[128];
    int file = open(getenv("STAMPS"), O_WRONLY | O_APPEND | O_CREAT, 0600);
    if (file < 0) return 1;
    int size = snprintf(line, sizeof line, "begun %lld\nreturned %lld\n", began, now_ns());
    return write(file, line, (size_t)size) != size;
}

int main(int argc, char **argv)
{
    long long began = now_ns();
    if (argc < 5) return be_true(began);
    long count = atol(argv[2]), gap_us = atol(argv[3]) * 1000;
    char *words[] = {argv[4], NULL};
    posix_spawn_file_actions_t quiet;
    posix_spawn_file_actions_init(&quiet);
    posix_spawn_file_actions_addopen(&quiet, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&quiet, 1, "/dev/null", O_WRONLY, 0);
    for (long i = 0; i < count; i++) {
        pid_t pid;
        int status = -1;
        long long called = now_ns();
        if (posix_spawn(&pid, argv[4], &quiet, NULL, words, environ) != 0) return 1;
        long long spawned = now_ns();
        waitpid(pid, &status, 0);
        printf("called %lld\nspawned %lld\nreaped %lld\n", called, spawned, now_ns());
        if (status != 0) return fprintf(stderr, "stamp: status %d\n", status), 1;
        usleep((useconds_t)gap_us);
    }
    return 0;
}
