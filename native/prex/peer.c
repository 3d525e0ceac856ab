/* Messages over the unix socket to prexd: 16-byte header, payload. The socket never blocks; a send waits at
 * most READY_MS for a peer that takes nothing. */
#include "prex.h"
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

bool peer_send(int fd, const void *data, size_t size, const int *fds, int count) {
    union {
        struct cmsghdr align;
        char space[CMSG_SPACE(PANTS_FDS_MAX * sizeof(int))];
    } control;
    const char *at = data;
    while (size > 0) {
        struct iovec part = {.iov_base = (void *)at, .iov_len = size};
        struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
        if (count > 0) {
            memset(&control, 0, sizeof control);
            message.msg_control = &control;
            message.msg_controllen = (socklen_t)CMSG_SPACE((size_t)count * sizeof(int));
            struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
            rights->cmsg_level = SOL_SOCKET;
            rights->cmsg_type = SCM_RIGHTS;
            rights->cmsg_len = (socklen_t)CMSG_LEN((size_t)count * sizeof(int));
            memcpy(CMSG_DATA(rights), fds, (size_t)count * sizeof(int));
        }
        ssize_t sent = sendmsg(fd, &message, MSG_NOSIGNAL);
        if (sent > 0) {
            at += sent;
            size -= (size_t)sent;
            count = 0; /* they went with the first byte */
            continue;
        }
        if (errno == EINTR) continue;
        if (errno != EAGAIN) return false;
        struct pollfd wait = {.fd = fd, .events = POLLOUT};
        if (poll(&wait, 1, READY_MS) <= 0) return false;
    }
    return true;
}

bool peer_tell(int fd, enum pants_msg_type type, uint32_t value) {
    struct pants_msg message = {PANTS_MSG_MAGIC, PANTS_MSG_VERSION, (uint16_t)type, 0, value};
    return peer_send(fd, &message, sizeof message, NULL, 0);
}

static bool whole(const struct peer *peer, struct pants_msg *message) {
    if (peer->have < sizeof *message) return false;
    memcpy(message, peer->in, sizeof *message);
    return message->length <= sizeof peer->in - sizeof *message &&
           peer->have >= sizeof *message + message->length;
}

static bool ours(const struct peer *peer) {
    struct pants_msg message;
    if (peer->have < sizeof message) return true;
    memcpy(&message, peer->in, sizeof message);
    return message.magic == PANTS_MSG_MAGIC && message.version == PANTS_MSG_VERSION &&
           message.length <= sizeof peer->in - sizeof message;
}

int peer_next(struct peer *peer, struct pants_msg *message, char *text, size_t size) {
    while (!whole(peer, message)) {
        if (!ours(peer)) return -1;
        ssize_t got = recv(peer->fd, peer->in + peer->have, sizeof peer->in - peer->have, MSG_DONTWAIT);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0 && errno == EAGAIN) return 0;
        if (got <= 0) return -1;
        peer->have += (size_t)got;
    }
    if (!ours(peer)) return -1;
    size_t length = message->length < size - 1 ? message->length : size - 1;
    memcpy(text, peer->in + sizeof *message, length);
    text[length] = '\0';
    size_t used = sizeof *message + message->length;
    memmove(peer->in, peer->in + used, peer->have - used);
    peer->have -= used;
    return 1;
}
