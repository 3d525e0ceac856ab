/* load FROM TO PORT FILE window|rate N SECONDS: sends datagrams that were sealed before, from the address FROM, and
 * times the answers to those that are requests. FILE holds them one after another, each behind its length (u16),
 * requests with consecutive numbers; when it ends the sending does, or with `again` as eighth argument starts over.
 *   window N: N requests are under way at any time; one without an answer after LOST_US makes room for another
 *   rate N: N datagrams a second, whatever comes back
 * Prints JSON: what was sent, granted, denied, lost, and how long answers took. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 64, DATAGRAM_MAX = 1200, TYPE_AT = 5, NAME_AT = 48, GRANT = 5, DENY = 6 };
static const double LOST_US = 500e3, LINGER_US = 300e3;

struct traffic {
    struct iovec *datagrams;
    double *sent_us; /* 0: not sent; negative: answered */
    float *took_us;
    uint32_t first; /* number of the first request */
    long count, sent, oldest, granted, denied, lost, refused;
    int again;
};

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void die(const char *what)
{
    perror(what);
    exit(1);
}

/* The number of a request or of the answer to it; any for what is neither. */
static uint32_t number_of(const unsigned char *data, size_t length)
{
    size_t at = NAME_AT < length ? (size_t)NAME_AT + 1 + data[NAME_AT] : length;
    uint32_t number = 0;
    if (at + sizeof number <= length) memcpy(&number, data + at, sizeof number);
    return number;
}

static void read_datagrams(struct traffic *all, const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file) die(path);
    fseek(file, 0, SEEK_END);
    long size = ftell(file);
    rewind(file);
    unsigned char *bytes = malloc((size_t)size + 1);
    if (!bytes || fread(bytes, 1, (size_t)size, file) != (size_t)size) die(path);
    fclose(file);
    all->datagrams = calloc((size_t)size / 2 + 1, sizeof *all->datagrams);
    if (!all->datagrams) die("memory");
    for (long at = 0; at + 2 <= size;) {
        size_t length = bytes[at] | (size_t)bytes[at + 1] << 8;
        all->datagrams[all->count++] = (struct iovec){bytes + at + 2, length};
        at += 2 + (long)length;
    }
    all->sent_us = calloc((size_t)all->count + 1, sizeof *all->sent_us);
    all->took_us = calloc((size_t)all->count + 1, sizeof *all->took_us);
    if (!all->sent_us || !all->took_us || all->count == 0) die("nothing to send");
    all->first = number_of(all->datagrams[0].iov_base, all->datagrams[0].iov_len);
}

static int open_socket(const char *from)
{
    int fd = socket(AF_INET, SOCK_DGRAM, 0), room = 8 << 20;
    struct sockaddr_in own = {.sin_family = AF_INET};
    if (fd < 0 || inet_pton(AF_INET, from, &own.sin_addr) != 1) die(from);
    if (bind(fd, (struct sockaddr *)&own, sizeof own)) die("bind");
    if (setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &own.sin_addr, sizeof own.sin_addr)) die("IP_MULTICAST_IF");
    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
    setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof room);
    return fd;
}

static void send_some(struct traffic *all, int fd, struct sockaddr_in *to, long wanted)
{
    struct mmsghdr messages[BATCH];
    int count = 0;
    for (; count < BATCH && count < wanted && (all->again || all->sent + count < all->count); count++) {
        struct iovec *datagram = &all->datagrams[(all->sent + count) % all->count];
        messages[count].msg_hdr = (struct msghdr){
            .msg_name = to, .msg_namelen = sizeof *to, .msg_iov = datagram, .msg_iovlen = 1};
    }
    if (count == 0) return;
    double now = now_us();
    int done = sendmmsg(fd, messages, (unsigned)count, 0);
    if (done < 0) {
        if (errno != EAGAIN && errno != ENOBUFS && errno != EPERM && errno != ECONNREFUSED) die("sendmmsg");
        done = count; /* gone, as on a network that is full */
        all->refused += count;
    }
    for (int i = 0; i < done; i++) all->sent_us[(all->sent + i) % all->count] = now;
    all->sent += done;
}

/* Takes an answer, once. */
static void answered(struct traffic *all, const unsigned char *data, size_t length, double now)
{
    if (length <= NAME_AT || (data[TYPE_AT] != GRANT && data[TYPE_AT] != DENY)) return;
    long request = (long)(uint32_t)(number_of(data, length) - all->first);
    if (request >= all->count || all->sent_us[request] <= 0) return;
    all->took_us[all->granted + all->denied] = (float)(now - all->sent_us[request]);
    all->sent_us[request] = -1;
    if (data[TYPE_AT] == GRANT) all->granted++;
    else all->denied++;
}

static int receive_some(struct traffic *all, int fd)
{
    static unsigned char room[BATCH][DATAGRAM_MAX];
    struct mmsghdr messages[BATCH];
    struct iovec parts[BATCH];
    for (int i = 0; i < BATCH; i++) {
        parts[i] = (struct iovec){room[i], DATAGRAM_MAX};
        messages[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1};
    }
    int count = recvmmsg(fd, messages, BATCH, MSG_DONTWAIT, NULL);
    double now = now_us();
    for (int i = 0; i < count; i++) answered(all, room[i], messages[i].msg_len, now);
    return count;
}

/* How many are under way: sent, not answered, not given up. */
static long under_way(struct traffic *all, double now)
{
    for (; all->oldest < all->sent && all->oldest < all->count; all->oldest++) {
        double at = all->sent_us[all->oldest];
        if (at < 0) continue;
        if (now - at < LOST_US) break;
        all->lost++;
    }
    return all->sent - all->granted - all->denied - all->lost;
}

static int by_value(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    if (argc < 8) {
        fputs("usage: load FROM TO PORT FILE window|rate N SECONDS [again]\n", stderr);
        return 2;
    }
    struct traffic all = {.again = argc > 8};
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[3]))};
    if (inet_pton(AF_INET, argv[2], &to.sin_addr) != 1) die(argv[2]);
    read_datagrams(&all, argv[4]);
    prctl(PR_SET_TIMERSLACK, 1000);
    int fd = open_socket(argv[1]), window = strcmp(argv[5], "window") == 0;
    double n = atof(argv[6]), began = now_us(), end = began + atof(argv[7]) * 1e6, now = began;
    for (; now < end && (all.again || all.sent < all.count); now = now_us()) {
        long due = window ? (long)n - under_way(&all, now) : (long)((now - began) * n / 1e6) + 1 - all.sent;
        send_some(&all, fd, &to, due);
        if (receive_some(&all, fd) > 0) continue;
        double wait_us = window ? 1000 : began + (double)all.sent * 1e6 / n - now_us();
        struct timespec pause = {.tv_nsec = wait_us > 1e6 ? 1000000 : wait_us > 0 ? (long)(wait_us * 1e3) : 0};
        struct pollfd readable = {.fd = fd, .events = POLLIN};
        ppoll(&readable, 1, &pause, NULL);
    }
    double seconds = (now - began) / 1e6;
    for (double until = now + LINGER_US; now_us() < until;) {
        struct pollfd readable = {.fd = fd, .events = POLLIN};
        if (receive_some(&all, fd) <= 0) poll(&readable, 1, 10);
    }
    long answers = all.granted + all.denied;
    qsort(all.took_us, (size_t)answers, sizeof *all.took_us, by_value);
    printf("{\"seconds\":%.3f,\"sent\":%ld,\"refused\":%ld,\"granted\":%ld,\"denied\":%ld,\"unanswered\":%ld,"
           "\"medianUs\":%.1f,\"p99Us\":%.1f,\"maxUs\":%.1f}\n",
           seconds, all.sent, all.refused, all.granted, all.denied, all.sent - answers,
           answers ? all.took_us[answers / 2] : 0, answers ? all.took_us[answers * 99 / 100] : 0,
           answers ? all.took_us[answers - 1] : 0);
    return 0;
}
