/* Finds prexd and makes sure that it is ours: the directory and the socket belong to us and nobody else may
 * write to them, and whoever listens runs as us. Without that, another user could be handed our descriptors.
 */
#include "prex.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "paths.h"

static bool only_ours(const char *path, mode_t type) {
    struct stat st;
    return lstat(path, &st) == 0 && (st.st_mode & S_IFMT) == type && st.st_uid == geteuid() &&
           !(st.st_mode & 022);
}

static bool peer_is_us(int fd) {
    struct ucred peer;
    socklen_t size = sizeof peer;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == geteuid();
}

/* A full backlog says EAGAIN at once: prexd is slow or stopped. */
static int connect_bounded(int fd, const struct sockaddr_un *address) {
    int64_t until_ms = now_ms() + READY_MS;
    while (connect(fd, (const struct sockaddr *)address, sizeof *address) != 0) {
        if (errno == EINTR) continue;
        if (errno != EAGAIN || now_ms() >= until_ms) return -1;
        poll(NULL, 0, 5);
    }
    return 0;
}

static int connect_to(const char *socket_name, const char **why, bool *absent) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char directory[sizeof address.sun_path];
    *absent = false;
    if (!pants_user_path(environ, geteuid(), socket_name, address.sun_path, sizeof address.sun_path) ||
        !pants_user_path(environ, geteuid(), "", directory, sizeof directory))
        return *why = "the runtime directory's path is too long for a socket", -1;
    if (access(directory, F_OK) != 0) return *why = "prexd was not running", *absent = errno == ENOENT, -1;
    if (!only_ours(directory, S_IFDIR)) return *why = "prexd's directory is not ours alone", -1;
    if (access(address.sun_path, F_OK) != 0) return *why = "prexd was not running", *absent = true, -1;
    if (!only_ours(address.sun_path, S_IFSOCK)) return *why = "prexd's socket is not ours alone", -1;
    int fd = above_stdio(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (fd < 0) return *why = strerror(errno), -1;
    if (connect_bounded(fd, &address) == 0 && peer_is_us(fd)) return fd;
    *absent = errno == ECONNREFUSED || errno == ENOENT;
    *why = *absent ? "prexd was not running" : "prexd does not answer";
    close(fd);
    return -1;
}

int helper_connect(const char **why, bool *absent) {
    return connect_to("/prexd.sock", why, absent);
}

bool helper_held_up(void) {
    const char *why;
    bool absent, held_up = false;
    char word;
    int fd = connect_to("/held-up.sock", &why, &absent);
    if (fd < 0) return false;
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    if (poll(&wait, 1, READY_MS) > 0) held_up = read(fd, &word, 1) == 1;
    close(fd);
    return held_up;
}

bool helper_lives(void) {
    struct peer peer = {.have = 0};
    struct pants_msg message;
    const char *why;
    char text[8];
    bool absent, lives = false;
    peer.fd = helper_connect(&why, &absent);
    if (peer.fd < 0) return false;
    struct pollfd wait = {.fd = peer.fd, .events = POLLIN};
    if (peer_tell(peer.fd, PANTS_MSG_HELLO, 0) && poll(&wait, 1, READY_MS) > 0)
        lives = peer_next(&peer, &message, text, sizeof text) > 0 && message.type == PANTS_MSG_READY;
    close(peer.fd);
    return lives;
}
