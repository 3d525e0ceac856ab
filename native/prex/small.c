/* Small things that several parts need. */
#include "prex.h"
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int64_t now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000) + t.tv_nsec / 1000000;
}

int above_stdio(int fd) {
    if (fd < 0 || fd > 2) return fd;
    int moved = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    close(fd);
    return moved;
}

bool debugging(void) {
    const char *value = getenv("PANTS_DEBUG");
    return value && *value == '1';
}
