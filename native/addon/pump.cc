// See pump.h: what each kind of descriptor needs. The part for pipes is in pump_pipe.cc.
#include "pump.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

namespace {

// What may be written to a descriptor that could wait, once poll says that it is ready: a terminal's driver
// promises room for far more.
constexpr size_t kSmall = 64;

ssize_t result(ssize_t n) {
    return n < 0 ? -errno : n;
}

bool is_ready(int fd, short events) {
    pollfd poll_fd{fd, events, 0};
    return poll(&poll_fd, 1, 0) == 1;
}

ssize_t read_if_ready(int fd, char *into, size_t length) {
    return is_ready(fd, POLLIN) ? result(::read(fd, into, length)) : -EAGAIN;
}

ssize_t write_if_ready(int fd, const char *data, size_t length) {
    return is_ready(fd, POLLOUT) ? result(::write(fd, data, std::min(length, kSmall))) : -EAGAIN;
}

ssize_t read_tty(int fd, char *into, size_t length) {
    const int own = reopen(fd);
    if (own < 0) return read_if_ready(fd, into, length);
    const ssize_t n = result(::read(own, into, length));
    close(own);
    return n;
}

ssize_t write_tty(int fd, const char *data, size_t length) {
    const int own = reopen(fd);
    if (own < 0) return write_if_ready(fd, data, length);
    const ssize_t n = result(::write(own, data, length));
    close(own);
    return n;
}

// Opening the master side again would make a new terminal.
bool is_master(int fd) {
    unsigned int number;
    return ioctl(fd, TIOCGPTN, &number) == 0;
}

} // namespace

int reopen(int fd) {
    char path[32];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    const int mode = fcntl(fd, F_GETFL);
    if (mode < 0) return -1;
    return open(path, (mode & O_ACCMODE) | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

Kind classify(int fd, const struct stat &st) {
    if (S_ISFIFO(st.st_mode)) return Kind::pipe;
    if (S_ISREG(st.st_mode) || S_ISBLK(st.st_mode)) return Kind::file;
    if (S_ISSOCK(st.st_mode)) {
        int type = 0;
        socklen_t size = sizeof type;
        getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size);
        int listens = 0;
        size = sizeof listens;
        getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size);
        return type == SOCK_STREAM && !listens ? Kind::socket : Kind::other;
    }
    if (S_ISCHR(st.st_mode)) {
        if (st.st_rdev == makedev(1, 3)) return Kind::null;
        if (isatty(fd) && !is_master(fd)) return Kind::tty;
    }
    return Kind::other;
}

ssize_t Pump::peek(int fd, Kind kind, size_t skip, char *into, size_t length) {
    if (length == 0) return -EINVAL;
    switch (kind) {
    case Kind::pipe:
        return peek_pipe(fd, skip, into, length);
    case Kind::socket:
        return peek_socket(fd, skip, into, length);
    case Kind::file: {
        const off_t offset = lseek(fd, 0, SEEK_CUR);
        return offset < 0 ? -errno : result(pread(fd, into, length, offset + static_cast<off_t>(skip)));
    }
    case Kind::null:
        return 0;
    case Kind::tty:
    case Kind::other:
        return -ENOTSUP;
    case Kind::closed:
        break;
    }
    return -EBADF;
}

ssize_t Pump::consume(int fd, Kind kind, size_t count) {
    if (count == 0) return 0;
    switch (kind) {
    case Kind::pipe:
        return consume_pipe(fd, count);
    case Kind::socket:
        return consume_socket(fd, count);
    case Kind::file:
        return lseek(fd, static_cast<off_t>(count), SEEK_CUR) < 0 ? -errno : static_cast<ssize_t>(count);
    case Kind::null:
        return 0;
    case Kind::tty:
    case Kind::other:
        return -ENOTSUP;
    case Kind::closed:
        break;
    }
    return -EBADF;
}

ssize_t Pump::read(int fd, Kind kind, char *into, size_t length) {
    switch (kind) {
    case Kind::pipe:
        return read_pipe(fd, into, length);
    case Kind::socket:
        return result(recv(fd, into, length, MSG_DONTWAIT));
    case Kind::tty:
        return read_tty(fd, into, length);
    case Kind::file:
    case Kind::null:
        return result(::read(fd, into, length));
    case Kind::other:
        return read_if_ready(fd, into, length);
    case Kind::closed:
        break;
    }
    return -EBADF;
}

ssize_t Pump::write(int fd, Kind kind, const char *data, size_t length) {
    if (length == 0) return 0;
    switch (kind) {
    case Kind::pipe:
        return write_pipe(fd, data, length);
    case Kind::socket:
        return result(send(fd, data, length, MSG_DONTWAIT | MSG_NOSIGNAL));
    case Kind::tty:
        return write_tty(fd, data, length);
    case Kind::file:
    case Kind::null:
        return result(::write(fd, data, length));
    case Kind::other:
        return write_if_ready(fd, data, length);
    case Kind::closed:
        break;
    }
    return -EBADF;
}

// A look that ends at `skip` is the end of the stream only if nobody can add to it, and even then the last
// bytes may have come in between: so one more look.
ssize_t Pump::peek_socket(int fd, size_t skip, char *into, size_t length) {
    scratch_.resize(std::max(scratch_.size(), skip + length));
    for (bool over = false;; over = true) {
        const ssize_t n = recv(fd, scratch_.data(), skip + length, MSG_PEEK | MSG_DONTWAIT);
        if (n < 0) return -errno;
        if (static_cast<size_t>(n) > skip) {
            memcpy(into, scratch_.data() + skip, static_cast<size_t>(n) - skip);
            return n - static_cast<ssize_t>(skip);
        }
        if (n == 0 || over) return 0;
        if (!is_ready(fd, POLLRDHUP)) return -EAGAIN;
    }
}

ssize_t Pump::consume_socket(int fd, size_t count) {
    scratch_.resize(std::max(scratch_.size(), count));
    return result(recv(fd, scratch_.data(), count, MSG_DONTWAIT));
}
