// Unix stream sockets as the daemons use them: descriptors ride along, and nothing waits. Results: a
// descriptor or a count, or -errno.
#ifndef PANTS_ADDON_UNIX_SOCKET_H
#define PANTS_ADDON_UNIX_SOCKET_H
#include <cstddef>
#include <string>
#include <sys/types.h>
#include <vector>

// Binds and listens; nobody can connect before the socket has its mode. -EADDRINUSE: the path exists.
int listen_unix(const std::string &path, mode_t mode);
int connect_unix(const std::string &path);
int accept_unix(int fd);
// Appends received descriptors, close-on-exec, in the order in which they were sent. 0 = end of file.
ssize_t receive(int fd, char *into, size_t length, std::vector<int> &fds);
ssize_t send_bytes(int fd, const char *data, size_t length);

#endif
