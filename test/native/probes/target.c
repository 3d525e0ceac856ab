/* What a program can see of how it was started, one line each; then it ends as TARGET_END says: an exit
 * status, or a signal ("s11"). With --quiet nothing is printed. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

extern char **environ;

static void masks(void) {
    FILE *status = fopen("/proc/self/status", "re");
    char line[256];
    while (status && fgets(line, sizeof line, status))
        if (strncmp(line, "SigBlk", 6) == 0 || strncmp(line, "SigIgn", 6) == 0 ||
            strncmp(line, "SigPnd", 6) == 0)
            fputs(line, stdout);
    if (status) fclose(status);
}

int main(int argc, char **argv) {
    int first_errno = errno;
    if (!(argc > 1 && strcmp(argv[1], "--quiet") == 0)) {
        printf("errno %d\nargc %d\n", first_errno, argc);
        unsigned sum = 0;
        for (int i = 0; i < argc; i++)
            for (const char *at = argv[i];; at++) {
                sum = sum * 31 + (unsigned char)*at;
                if (!*at) break;
            }
        for (int i = 0; i < argc && i < 8; i++)
            printf("argv %s\n", argv[i]);
        printf("arguments %u\n", sum);
        for (char **at = environ; *at; at++)
            if (strncmp(*at, "PROBE_", 6) == 0 || strncmp(*at, "PANTS_STANDIN", 13) == 0)
                printf("env %s\n", *at);
        mode_t mask = umask(0);
        char cwd[4096];
        printf("umask %o\ncwd %s\nfds", mask, getcwd(cwd, sizeof cwd) ? cwd : "none");
        for (int fd = 0; fd < 64; fd++)
            if (fcntl(fd, F_GETFD) >= 0) printf(" %d", fd);
        printf("\n");
        masks();
        fflush(stdout);
    }
    const char *end = getenv("TARGET_END");
    if (end && *end == 's') raise(atoi(end + 1));
    return end ? atoi(end) : 0;
}
