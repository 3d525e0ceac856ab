// See pump.h: pipes. SPLICE_F_NONBLOCK and a private pipe do for one call what O_NONBLOCK would do for
// everybody.
#include "pump.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace {

constexpr int kDefaultSize = 64 << 10;

// Takes exactly `count` bytes, known to be in the private pipe.
bool drain(int fd, char *into, size_t count) {
    while (count > 0) {
        const ssize_t n = read(fd, into, count);
        if (n <= 0) return false;
        into += n;
        count -= static_cast<size_t>(n);
    }
    return true;
}

// The private pipe may be shorter than the caller's (pipe-user-pages-soft): then a look ends before the data
// does.
bool has_more(int fd, size_t skip) {
    int bytes = 0;
    return ioctl(fd, FIONREAD, &bytes) == 0 && bytes > 0 && static_cast<size_t>(bytes) > skip;
}

} // namespace

Pump::~Pump() {
    close_pipe();
}

int Pump::open_pipe() {
    if (out_ >= 0) return 0;
    int ends[2];
    const int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (null < 0) return -errno;
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0) {
        const int error = errno;
        close(null);
        return -error;
    }
    null_ = null;
    out_ = ends[0];
    in_ = ends[1];
    size_ = kDefaultSize;
    return 0;
}

void Pump::close_pipe() {
    if (out_ < 0) return;
    for (const int fd : {null_, out_, in_})
        close(fd);
    out_ = in_ = -1;
}

// A look past `skip` must be able to hold all that the caller's pipe can.
void Pump::match_size(int fd) {
    const int wanted = fcntl(fd, F_GETPIPE_SZ);
    if (wanted > size_ && fcntl(in_, F_SETPIPE_SZ, wanted) >= 0) size_ = wanted;
}

// Empties the private pipe of `count` bytes without touching them; should that ever fail, a new one is as
// empty.
ssize_t Pump::discard(size_t count) {
    for (size_t left = count; left > 0;) {
        const ssize_t n = splice(out_, nullptr, null_, nullptr, left, SPLICE_F_NONBLOCK);
        if (n <= 0) {
            close_pipe();
            return -EIO;
        }
        left -= static_cast<size_t>(n);
    }
    return static_cast<ssize_t>(count);
}

// Fills the private pipe with up to `length` bytes from `skip` bytes ahead. 0 = the end, and it stays empty.
ssize_t Pump::look_ahead(int fd, size_t skip, size_t length) {
    if (const int error = open_pipe()) return error;
    match_size(fd);
    for (bool over = false;; over = true) {
        const ssize_t n = tee(fd, in_, skip + length, SPLICE_F_NONBLOCK);
        if (n < 0) return -errno;
        if (static_cast<size_t>(n) > skip) {
            if (skip > 0 && discard(skip) < 0) return -EIO;
            return n - static_cast<ssize_t>(skip);
        }
        if (n > 0 && discard(static_cast<size_t>(n)) < 0) return -EIO;
        if (n == 0) return 0;
        if (over) return has_more(fd, skip) ? -EAGAIN : 0;
        // All of it was seen before. The end, if no writer is left; what the last one wrote meanwhile shows
        // in one more look.
        pollfd state{fd, POLLIN, 0};
        if (poll(&state, 1, 0) < 1 || (state.revents & POLLHUP) == 0) return -EAGAIN;
    }
}

ssize_t Pump::peek_pipe(int fd, size_t skip, char *into, size_t length) {
    const ssize_t n = look_ahead(fd, skip, length);
    if (n <= 0 || drain(out_, into, static_cast<size_t>(n))) return n;
    close_pipe();
    return -EIO;
}

ssize_t Pump::consume_pipe(int fd, size_t count) {
    if (const int error = open_pipe()) return error;
    size_t taken = 0;
    while (taken < count) {
        const ssize_t n = splice(fd, nullptr, null_, nullptr, count - taken, SPLICE_F_NONBLOCK);
        if (n == 0) break;
        if (n < 0) return taken > 0 ? static_cast<ssize_t>(taken) : -errno;
        taken += static_cast<size_t>(n);
    }
    return static_cast<ssize_t>(taken);
}

ssize_t Pump::read_pipe(int fd, char *into, size_t length) {
    if (const int error = open_pipe()) return error;
    const ssize_t n = splice(fd, nullptr, in_, nullptr, length, SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
    if (n < 0) return -errno;
    if (drain(out_, into, static_cast<size_t>(n))) return n;
    close_pipe();
    return -EIO;
}

// Opened again rather than spliced where that is permitted: short writes then share a page, as the program's
// own would. Spliced ones fill a slot each, and a caller that reads only after the program's end would wait
// for ever.
ssize_t Pump::write_pipe(int fd, const char *data, size_t length) {
    const int own = reopen(fd);
    if (own < 0) return errno == ENXIO ? -EPIPE : splice_into(fd, data, length);
    const ssize_t n = ::write(own, data, length);
    const int error = errno;
    close(own);
    return n < 0 ? -error : n;
}

ssize_t Pump::splice_into(int fd, const char *data, size_t length) {
    if (const int error = open_pipe()) return error;
    const ssize_t filled = ::write(in_, data, std::min(length, static_cast<size_t>(size_)));
    if (filled < 0) return -errno;
    ssize_t moved = 0;
    int error = 0;
    while (moved < filled && error == 0) {
        const ssize_t n = splice(out_, nullptr, fd, nullptr, static_cast<size_t>(filled - moved),
                                 SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
        if (n > 0) {
            moved += n;
        } else {
            error = n < 0 ? errno : EAGAIN;
        }
    }
    // What the target had no room for is still the caller's: it was not taken.
    if (moved < filled) discard(static_cast<size_t>(filled - moved));
    return moved > 0 ? moved : -error;
}
