/* What the children of the micro benchmarks share: they say in one line of JSON how fast they were, and
 * where. */
#ifndef MICRO_CHILD_H
#define MICRO_CHILD_H

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

static inline double now_s(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static inline void die(const char *what) {
    perror(what);
    exit(1);
}

/* The folder with what this host keeps for the benchmarks. It is in no argument, since it is not the same on
 * all hosts. */
static inline const char *scratch(void) {
    const char *folder = getenv("MICRO_SCRATCH");
    struct stat found;
    if (folder == NULL || folder[0] != '/') {
        fprintf(stderr, "MICRO_SCRATCH: must be an absolute path\n");
        exit(2);
    }
    mkdir(folder, 0700);
    if (lstat(folder, &found) != 0 || !S_ISDIR(found.st_mode) || found.st_uid != geteuid()) {
        fprintf(stderr, "%s: is not a directory of this user\n", folder);
        exit(1);
    }
    return folder;
}

/* A number above 0 among the arguments. */
static inline double number(const char *text) {
    char *end;
    double value = strtod(text, &end);
    if (*end != '\0' || !(value > 0)) {
        fprintf(stderr, "%s: not a number above 0\n", text);
        exit(2);
    }
    return value;
}

/* CPU time and the disk's MiB of one of RUSAGE_*. */
struct used {
    double cpu_s, disk_mb;
};

static inline struct used used_by(int who) {
    struct rusage r;
    getrusage(who, &r);
    double cpu_s = (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) +
                   (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
    return (struct used){cpu_s, (double)(r.ru_inblock + r.ru_oublock) / 2048};
}

/* `began` and `ended` are wall clock, seconds since 1970. */
static inline void report(double began, double units, const char *unit) {
    double ended = now_s(CLOCK_REALTIME);
    struct used own = used_by(RUSAGE_SELF), others = used_by(RUSAGE_CHILDREN);
    struct utsname host;
    uname(&host);
    printf("{\"host\":\"%s\",\"began\":%.3f,\"ended\":%.3f,\"units\":%.6g,\"unit\":\"%s\",\"rate\":%.6g,"
           "\"cpu\":%.3f,\"diskMb\":%.1f}\n",
           host.nodename, began, ended, units, unit, units / (ended - began), own.cpu_s + others.cpu_s,
           own.disk_mb + others.disk_mb);
    if (fflush(stdout) != 0) die("stdout");
}

#endif
