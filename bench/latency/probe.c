/* probe COUNT PARALLEL CMD...: starts CMD COUNT times, PARALLEL at a time, as a shell or make would (vfork, exec,
 * wait), and prints how long each took and how many failed, as JSON. Output of CMD goes to /dev/null. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

struct running {
    pid_t pid;
    double began;
};

static pid_t start(char **argv)
{
    posix_spawn_file_actions_t quiet;
    posix_spawn_file_actions_init(&quiet);
    posix_spawn_file_actions_addopen(&quiet, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&quiet, 1, "/dev/null", O_WRONLY, 0);
    pid_t pid;
    int error = posix_spawnp(&pid, argv[0], &quiet, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&quiet);
    return error ? -1 : pid;
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        fputs("usage: probe COUNT PARALLEL CMD...\n", stderr);
        return 2;
    }
    long count = atol(argv[1]), parallel = atol(argv[2]), started = 0, ended = 0, failed = 0;
    double *took = calloc((size_t)count, sizeof *took);
    struct running *slots = calloc((size_t)parallel, sizeof *slots);
    if (!took || !slots) return 1;
    double began = now_us();
    while (ended < count) {
        for (long i = 0; i < parallel && started < count; i++) {
            if (slots[i].pid) continue;
            slots[i].began = now_us();
            slots[i].pid = start(argv + 3);
            if (slots[i].pid < 0) {
                perror(argv[3]);
                return 1;
            }
            started++;
        }
        int status;
        pid_t pid = wait(&status);
        for (long i = 0; i < parallel; i++) {
            if (slots[i].pid != pid) continue;
            took[ended++] = now_us() - slots[i].began;
            failed += status != 0;
            slots[i].pid = 0;
        }
    }
    double seconds = (now_us() - began) / 1e6;
    qsort(took, (size_t)count, sizeof *took, by_value);
    printf("{\"count\":%ld,\"failed\":%ld,\"medianUs\":%.1f,\"p99Us\":%.1f,\"perSecond\":%.1f}\n", count, failed,
           took[count / 2], took[count * 99 / 100], (double)count / seconds);
    return 0;
}
