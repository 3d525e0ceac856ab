/* `prex [--on HOST] [--] CMD ...`: run one command elsewhere, whatever the load here. Found along PATH as a
 * shell does: 127 when there is none, 126 when it cannot be executed. */
#include "prex.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "../shim/shim.h"

#ifndef PANTS_VERSION
#define PANTS_VERSION "unknown"
#endif

static const char help[] =
    "usage: prex [--on HOST] [--] COMMAND [ARGUMENT]...\n"
    "Run COMMAND on another host of the cluster, or here when none can take it.\n"
    "\n"
    "  --on HOST   on that host; else on one that the cluster chooses\n"
    "  --help, --version\n"
    "  --keep PROGRAM [ARGUMENT]...   run PROGRAM and end all that it leaves behind (used on the far host)\n"
    "\n"
    "The exit status is COMMAND's; 127 when it is not found, 126 when it cannot be executed.\n"
    "PANTS_DEBUG=1 says on stderr what was decided; `pants why` shows it afterwards.\n";

static bool runnable(const char *path, int *error) {
    struct stat st;
    if (stat(path, &st) != 0) {
        if (errno != ENOENT && errno != ENOTDIR) *error = EACCES;
        return false;
    }
    if (S_ISREG(st.st_mode) && access(path, X_OK) == 0) return true;
    *error = EACCES;
    return false;
}

/* Path of a command, or the shell's exit status with a line on stderr. */
static const char *find(const char *command) {
    static char path[PATH_ROOM];
    int error = ENOENT;
    const char *element = getenv("PATH");
    if (strchr(command, '/')) {
        if (runnable(command, &error)) return command;
        element = NULL;
    } else if (!element)
        element = "/usr/local/bin:/usr/bin:/bin";
    while (element && *command) {
        size_t length = strcspn(element, ":");
        if (length + strlen(command) + 2 <= sizeof path) {
            snprintf(path, sizeof path, "%.*s%s%s", (int)length, element, length ? "/" : "./", command);
            if (runnable(path, &error)) return path;
        }
        element = element[length] ? element + length + 1 : NULL;
    }
    fprintf(stderr, "prex: %s: %s\n", command, error == ENOENT ? "command not found" : "cannot be executed");
    exit(error == ENOENT ? 127 : 126);
}

static noreturn void usage(void) {
    fputs("prex: a command is needed; see `prex --help`\n", stderr);
    exit(2);
}

/* What the command would leave elsewhere. prex itself may be traced. */
static const char *sandbox(void) {
    struct pants_state state;
    bool traced = false;
    const char *held = ground_held(ground_state(&state, sys_boot_ns()) ? &state : NULL, &traced);
    return traced ? NULL : held;
}

noreturn void by_hand(int argc, char **argv) {
    struct job job = {.env = environ, .host = "", .flags = PANTS_RUN_BY_HAND};
    int i = 1;
    for (; i < argc && argv[i][0] == '-'; i++) {
        if (strcmp(argv[i], "--") == 0) {
            i++;
            break;
        }
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) exit(fputs(help, stdout) < 0);
        if (strcmp(argv[i], "--version") == 0) exit(puts("prex " PANTS_VERSION) < 0);
        if (strncmp(argv[i], "--on=", 5) == 0)
            job.host = argv[i] + 5;
        else if (strcmp(argv[i], "--on") == 0 && i + 1 < argc)
            job.host = argv[++i];
        else {
            fprintf(stderr, "prex: %s: not known; see `prex --help`\n", argv[i]);
            exit(2);
        }
    }
    if (i >= argc) usage();
    job.argv = argv + i;
    job.path = find(argv[i]);
    uint32_t mark = 0;
    const char *unfit = NULL;
    if (look_at(job.path, false, &mark, &unfit) == SIGHT_MARKED && (mark & PANTS_MARK_IDEMPOTENT))
        job.flags |= PANTS_RUN_IDEMPOTENT;
    if (!unfit && has_capabilities(job.path)) unfit = "has capabilities";
    if (!unfit) unfit = sandbox();
    if (unfit) run_here(&job, PANTS_WHY_UNFIT, unfit);
    carry(&job);
}
