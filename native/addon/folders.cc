// See folders.h.
#include "folders.h"

#include <cerrno>
#include <cstring>
#include <sys/inotify.h>
#include <unistd.h>

Folders::~Folders() {
    if (fd_ >= 0) close(fd_);
}

int Folders::watch(const std::string &path) {
    if (fd_ < 0) fd_ = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (fd_ < 0) return -errno;
    const int folder = inotify_add_watch(fd_, path.c_str(), IN_CLOSE_WRITE | IN_ATTRIB | IN_ONLYDIR);
    return folder < 0 ? -errno : folder;
}

void Folders::unwatch(int folder) {
    if (fd_ >= 0) inotify_rm_watch(fd_, folder);
}

std::vector<Folders::Change> Folders::changes() {
    std::vector<Change> all;
    alignas(inotify_event) char buffer[16384];
    while (fd_ >= 0) {
        const ssize_t size = read(fd_, buffer, sizeof buffer);
        if (size < 0 && errno == EINTR) continue;
        if (size <= 0) break;
        for (const char *at = buffer; at < buffer + size;) {
            inotify_event event;
            memcpy(&event, at, sizeof event);
            const char *name = at + sizeof event;
            at = name + event.len;
            if (event.len > 0) all.push_back({event.wd, name}); // without a name: the folder itself, or the queue's end
        }
    }
    return all;
}
