/* Which descriptors are open: since those marked close-on-exec went when prex was executed, these are what
 * the program would inherit. */
#include "prex.h"
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum { LOOK_END = 1024 }; /* without /proc */

struct inherited inherited;

/* In its place: a directory tells them in no order that is promised. */
static bool add(int fd, const char **why) {
    struct inherited *all = &inherited;
    if (fd >= PANTS_FD_END) return *why = "a descriptor above 255 is open", false;
    if (all->count == PANTS_FDS_MAX) return *why = "too many descriptors are open", false;
    int at = all->count++;
    for (; at > 0 && all->fds[at - 1] > fd; at--)
        all->fds[at] = all->fds[at - 1];
    all->fds[at] = fd;
    return true;
}

bool inherit_look(const char **why) {
    DIR *all = opendir("/proc/self/fd");
    bool fits = true;
    if (!all) {
        for (int fd = 0; fd < LOOK_END && fits; fd++)
            if (fcntl(fd, F_GETFD) >= 0) fits = add(fd, why);
        return fits;
    }
    for (struct dirent *entry; fits && (entry = readdir(all));) {
        if (entry->d_name[0] < '0' || entry->d_name[0] > '9') continue;
        int fd = atoi(entry->d_name);
        if (fd != dirfd(all)) fits = add(fd, why);
    }
    closedir(all);
    return fits;
}

void inherit_drop(int fd) {
    bool ours = false;
    for (int i = 0; i < inherited.count; i++)
        ours = ours || inherited.fds[i] == fd;
    if (!ours) return;
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0 || dup2(null, fd) < 0) close(fd);
    if (null >= 0) close(null);
}
