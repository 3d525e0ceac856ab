/* See tree.h. One pass over /proc for pids and parents, then marks spread from us until none is added. */
#include "prex.h"
#include "tree.h"
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct process {
    pid_t pid, parent;
    bool ours;
};

/* Parent of a process that is not a zombie yet; 0 = none such. */
static pid_t parent_of(const char *pid) {
    char path[64], text[512], state;
    int parent;
    snprintf(path, sizeof path, "/proc/%s/stat", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return 0;
    ssize_t got = read(fd, text, sizeof text - 1);
    close(fd);
    if (got <= 0) return 0;
    text[got] = '\0';
    char *name_end = strrchr(text, ')'); /* a name may hold anything */
    return name_end && sscanf(name_end + 1, " %c %d", &state, &parent) == 2 ? parent : 0;
}

static size_t list(struct process **processes) {
    size_t count = 0, room = 0;
    DIR *proc = opendir("/proc");
    *processes = NULL;
    for (struct dirent *entry; proc && (entry = readdir(proc));) {
        pid_t parent =
            strspn(entry->d_name, "0123456789") == strlen(entry->d_name) ? parent_of(entry->d_name) : 0;
        if (parent == 0) continue;
        if (count == room) {
            room = room ? 2 * room : 256;
            struct process *larger = realloc(*processes, room * sizeof **processes);
            if (!larger) break;
            *processes = larger;
        }
        (*processes)[count++] = (struct process){atoi(entry->d_name), parent, false};
    }
    if (proc) closedir(proc);
    return count;
}

static bool is_ours(const struct process *processes, size_t count, pid_t pid) {
    if (pid == getpid()) return true;
    for (size_t i = 0; i < count; i++)
        if (processes[i].pid == pid) return processes[i].ours;
    return false;
}

void kill_descendants(void) {
    struct process *processes;
    size_t count = list(&processes);
    for (bool added = true; added;) {
        added = false;
        for (size_t i = 0; i < count; i++) {
            if (processes[i].ours || !is_ours(processes, count, processes[i].parent)) continue;
            processes[i].ours = added = true;
            kill(processes[i].pid, SIGKILL);
        }
    }
    free(processes);
}
