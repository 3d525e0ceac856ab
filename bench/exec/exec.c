/* What the shim costs: prints one line of JSON with medians.
 *   exec start LIBPREX        nanoseconds of starting and reaping a small dynamic program, without and with
 * the shim exec inside PROGRAM       nanoseconds of execve(PROGRAM) until the real execve (run by bench.sh
 * with stop.c behind) exec nothing              what `start` starts Runs with and without alternate, so that
 * the machine's moods fall on both. */
#define _GNU_SOURCE
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;
enum { ROUNDS = 4000, CALLS = 50, BATCHES = 400 };

static int64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static int smaller(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int64_t median(int64_t *values, size_t n) {
    qsort(values, n, sizeof *values, smaller);
    return values[n / 2];
}

static int64_t start_once(const char *self, char *const env[]) {
    char *argv[] = {(char *)self, "nothing", NULL};
    pid_t pid;
    int status;
    int64_t begin = now_ns();
    if (posix_spawn(&pid, self, NULL, NULL, argv, env) != 0 || waitpid(pid, &status, 0) != pid ||
        status != 0) {
        fprintf(stderr, "exec: cannot start %s\n", self);
        exit(1);
    }
    return now_ns() - begin;
}

static int start(const char *library) {
    static int64_t without[ROUNDS], with[ROUNDS];
    char self[4096], preload[4200];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (length < 0) return 1;
    self[length] = '\0';
    snprintf(preload, sizeof preload, "LD_PRELOAD=%s", library);
    char *plain[] = {"PATH=/usr/bin", NULL}, *loaded[] = {"PATH=/usr/bin", preload, NULL};
    for (int i = 0; i < ROUNDS; i++) {
        without[i] = start_once(self, plain);
        with[i] = start_once(self, loaded);
    }
    int64_t a = median(without, ROUNDS), b = median(with, ROUNDS);
    printf("{\"what\":\"process start\",\"without_ns\":%ld,\"with_ns\":%ld,\"more_ns\":%ld}\n", (long)a,
           (long)b, (long)(b - a));
    return 0;
}

static int inside(const char *program) {
    static int64_t batches[BATCHES];
    char *argv[] = {(char *)program, NULL};
    for (int i = 0; i < BATCHES; i++) {
        int64_t begin = now_ns();
        for (int call = 0; call < CALLS; call++)
            execve(program, argv, environ);
        batches[i] = (now_ns() - begin) / CALLS;
    }
    printf("{\"what\":\"execve until the real one\",\"program\":\"%s\",\"ns\":%ld}\n", program,
           (long)median(batches, BATCHES));
    return 0;
}

int main(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "nothing") == 0) return 0;
    if (argc == 3 && strcmp(argv[1], "start") == 0) return start(argv[2]);
    if (argc == 3 && strcmp(argv[1], "inside") == 0) return inside(argv[2]);
    fprintf(stderr, "usage: exec start LIBPREX | exec inside PROGRAM\n");
    return 2;
}
