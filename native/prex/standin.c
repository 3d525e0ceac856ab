/* In the place of a marked program: `request` is "<hex flags>:<path>", everything else is the program's own.
 */
#include "prex.h"
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

noreturn void stand_in(const char *request, char **argv) {
    char *path;
    unsigned long flags = strtoul(request, &path, 16);
    if (*path == ':') path++;
    const char *slash = strrchr(path, '/');
    prctl(PR_SET_NAME, slash ? slash + 1 : path);
    struct job job = {.path = path, .argv = argv, .env = environ, .host = "", .flags = (uint32_t)flags};
    carry(&job);
}
