// See processes.h.
#include "processes.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

namespace {

bool read_process(int proc, const char *name, Process &process) {
    char path[32];
    snprintf(path, sizeof path, "%.10s/stat", name);
    const int fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false;
    char text[512];
    const ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    if (n <= 0) return false;
    text[n] = '\0';
    // The name is in parentheses and may hold anything, parentheses too.
    const char *rest = strrchr(text, ')');
    if (rest == nullptr) return false;
    process.pid = atoi(name);
    return sscanf(rest, ") %c %d %*d %d", &process.state, &process.parent, &process.session) == 3;
}

} // namespace

std::vector<Process> processes() {
    std::vector<Process> all;
    DIR *dir = opendir("/proc");
    if (dir == nullptr) return all;
    while (const dirent *entry = readdir(dir)) {
        Process process{};
        if (entry->d_name[0] < '1' || entry->d_name[0] > '9') continue;
        if (read_process(dirfd(dir), entry->d_name, process)) all.push_back(process);
    }
    closedir(dir);
    return all;
}
