// See unix_socket.h.
#include "unix_socket.h"

#include <cerrno>
#include <cstring>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace {

constexpr int kDescriptorsMax = 253; // SCM_MAX_FD
constexpr int kBacklog = 511;

bool address_of(const std::string &path, sockaddr_un &address) {
    address = {};
    address.sun_family = AF_UNIX;
    if (path.empty() || path.size() >= sizeof address.sun_path) return false;
    memcpy(address.sun_path, path.data(), path.size());
    return true;
}

int fail(int fd) {
    const int error = -errno;
    close(fd);
    return error;
}

int stream_socket() {
    return socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

} // namespace

int listen_unix(const std::string &path, mode_t mode) {
    sockaddr_un address;
    if (!address_of(path, address)) return -ENAMETOOLONG;
    const int fd = stream_socket();
    if (fd < 0) return -errno;
    const auto *name = reinterpret_cast<const sockaddr *>(&address);
    // The socket's own mode, less the umask, becomes the file's; chmod then adds what the umask took.
    if (fchmod(fd, mode) < 0 || bind(fd, name, sizeof address) < 0) return fail(fd);
    if (chmod(path.c_str(), mode) < 0 || listen(fd, kBacklog) < 0) return fail(fd);
    return fd;
}

int connect_unix(const std::string &path) {
    sockaddr_un address;
    if (!address_of(path, address)) return -ENAMETOOLONG;
    const int fd = stream_socket();
    if (fd < 0) return -errno;
    if (connect(fd, reinterpret_cast<const sockaddr *>(&address), sizeof address) < 0) return fail(fd);
    return fd;
}

int accept_unix(int fd) {
    const int peer = accept4(fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    return peer < 0 ? -errno : peer;
}

ssize_t receive(int fd, char *into, size_t length, std::vector<int> &fds) {
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * kDescriptorsMax)];
    iovec data{into, length};
    msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    const ssize_t n = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (n < 0) return -errno;
    for (cmsghdr *part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part)) {
        if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
        const size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        const size_t before = fds.size();
        fds.resize(before + count);
        memcpy(fds.data() + before, CMSG_DATA(part), count * sizeof(int));
    }
    return n;
}

ssize_t send_bytes(int fd, const char *data, size_t length) {
    const ssize_t n = send(fd, data, length, MSG_DONTWAIT | MSG_NOSIGNAL);
    return n < 0 ? -errno : n;
}
