/* What the shim costs: prints one line of JSON with medians. bench.sh calls it.
 *   exec start LIBPREX        nanoseconds of starting and reaping a small dynamic program, without and with
 * the shim exec inside WHAT PROGRAM  nanoseconds from the call of execve(PROGRAM) to the real execve (stop.c
 * behind the shim) exec look PROGRAM         nanoseconds of open, pread, close alone: what looking at a file
 * cannot go below exec ground               makes state and slots of an idle host in PANTS_RUNTIME_DIR exec
 * mark PROGRAM         sets the mark exec nothing              what `start` starts Runs with and without
 * alternate, so that the machine's moods fall on both. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <setjmp.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "pants.h"

extern char **environ;
enum { ROUNDS = 4000, CALLS = 20000 };
jmp_buf stop_point; /* stop.c comes back here */

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

static int open_ground(const char *name) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", getenv("PANTS_RUNTIME_DIR") ? getenv("PANTS_RUNTIME_DIR") : "",
             name);
    return open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
}

static int ground(void) {
    struct timespec t;
    clock_gettime(CLOCK_BOOTTIME, &t);
    struct pants_state state = {.magic = PANTS_STATE_MAGIC,
                                .version = PANTS_STATE_VERSION,
                                .size = sizeof state,
                                .interval_ms = 3600000,
                                .written_ns = (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec,
                                .slots_total = 4};
    struct pants_table header = {.magic = PANTS_TABLE_MAGIC,
                                 .version = PANTS_TABLE_VERSION,
                                 .header_size = 64,
                                 .total = 4,
                                 .capacity = PANTS_SLOT_CAPACITY,
                                 .why_capacity = PANTS_WHY_CAPACITY,
                                 .why_size = sizeof(struct pants_why)};
    return write(open_ground("state"), &state, sizeof state) != sizeof state ||
           write(open_ground("slots"), &header, sizeof header) != sizeof header;
}

static int inside(const char *what, const char *program) {
    static int64_t calls[CALLS];
    static volatile int i;
    static volatile int64_t begin;
    char *argv[] = {(char *)program, NULL};
    struct pants_table *table =
        mmap(NULL, sizeof *table, PROT_READ | PROT_WRITE, MAP_SHARED, open_ground("slots"), 0);
    if (table == MAP_FAILED) return perror("exec: slots"), 1;
    if (setjmp(stop_point)) {
        calls[i++] = now_ns() - begin;
        table->slot[0] = 0; /* else it would have a slot already */
    }
    if (i < CALLS) {
        begin = now_ns();
        execve(program, argv, environ);
        return perror("exec: execve came back"), 1;
    }
    printf("{\"what\":\"%s\",\"ns\":%ld}\n", what, (long)median(calls, CALLS));
    return 0;
}

static int look(const char *program) {
    static int64_t calls[CALLS];
    char head[64];
    for (int i = 0; i < CALLS; i++) {
        int64_t begin = now_ns();
        int fd = open(program, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        if (pread(fd, head, sizeof head, 0) != sizeof head) return 1;
        close(fd);
        calls[i] = now_ns() - begin;
    }
    printf("{\"what\":\"open, pread, close\",\"ns\":%ld}\n", (long)median(calls, CALLS));
    return 0;
}

static int mark(const char *program) {
    uint32_t flags = PANTS_MARK_TAG | PANTS_MARK_MIGRATABLE;
    return pwrite(open(program, O_WRONLY), &flags, sizeof flags, 48) != sizeof flags;
}

int main(int argc, char **argv) {
    const char *mode = argc > 1 ? argv[1] : "";
    if (argc == 2 && strcmp(mode, "nothing") == 0) return 0;
    if (argc == 2 && strcmp(mode, "ground") == 0) return ground();
    if (argc == 3 && strcmp(mode, "start") == 0) return start(argv[2]);
    if (argc == 3 && strcmp(mode, "mark") == 0) return mark(argv[2]);
    if (argc == 3 && strcmp(mode, "look") == 0) return look(argv[2]);
    if (argc == 4 && strcmp(mode, "inside") == 0) return inside(argv[2], argv[3]);
    fputs("usage: see the top of bench/exec/exec.c\n", stderr);
    return 2;
}
