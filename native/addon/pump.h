// Reading, looking ahead and writing on descriptors that belong to somebody else.
//
// Two rules: the flags of an open file description are never changed, since the caller's other processes see
// them, and no call waits. Pipes go through a private pipe by splice and tee, sockets by MSG_DONTWAIT, ttys
// through a non-blocking description of our own, files and /dev/null plainly (they never wait), everything
// else only after poll says that it is ready. Results: bytes, or -errno.
#ifndef PANTS_ADDON_PUMP_H
#define PANTS_ADDON_PUMP_H
#include <cstddef>
#include <sys/stat.h>
#include <sys/types.h>
#include <vector>

enum class Kind { pipe, socket, tty, file, null, other, closed };

// Stream sockets are `socket`, regular files and block devices `file`, the master side of a pty is `other`.
Kind classify(int fd, const struct stat &st);

// A non-blocking description of our own of what lies behind fd. -1 where that is not permitted, or the name
// means something else to us (/dev/tty); errno is ENXIO for a pipe that nobody reads.
int reopen(int fd);

class Pump {
  public:
    Pump() = default;
    ~Pump();
    Pump(const Pump &) = delete;
    Pump &operator=(const Pump &) = delete;

    // Looks at what lies `skip` bytes ahead. 0 = end of file there, -EAGAIN = nothing there yet, -ENOTSUP for
    // ttys.
    ssize_t peek(int fd, Kind kind, size_t skip, char *into, size_t length);
    // Takes up to `count` bytes and forgets them.
    ssize_t consume(int fd, Kind kind, size_t count);
    ssize_t read(int fd, Kind kind, char *into, size_t length);
    ssize_t write(int fd, Kind kind, const char *data, size_t length);

  private:
    int open_pipe();
    void close_pipe();
    void match_size(int fd);
    ssize_t discard(size_t count);
    ssize_t look_ahead(int fd, size_t skip, size_t length);
    ssize_t peek_pipe(int fd, size_t skip, char *into, size_t length);
    ssize_t peek_socket(int fd, size_t skip, char *into, size_t length);
    ssize_t consume_pipe(int fd, size_t count);
    ssize_t consume_socket(int fd, size_t count);
    ssize_t read_pipe(int fd, char *into, size_t length);
    ssize_t write_pipe(int fd, const char *data, size_t length);
    ssize_t splice_into(int fd, const char *data, size_t length);

    // The private pipe, empty between calls, and where its bytes go that nobody wants.
    int in_ = -1;
    int out_ = -1;
    int null_ = -1;
    int size_ = 0;
    std::vector<char> scratch_;
};

#endif
