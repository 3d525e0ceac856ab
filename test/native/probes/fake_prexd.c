/* fake_prexd DIRECTORY [STEP]... [-- STEP...]...: the stand-in's peer for tests. Listens on
 * DIRECTORY/prexd.sock; each RUN gets the next list of steps (the last list again when they are used up),
 * HELLO is answered unless --mute is the first argument. Writes a line on stdout for what it sees. Steps:
 *   ready here:REASON:TEXT started:TEXT exit:STATUS lost:TEXT stopped:SIGNAL write:TEXT (to the job's
 * descriptor 1) dump (the job) signal (waits for one) gone (waits for the end) hang (for ever) close half
 * (half a header) */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "pants.h"

static int job_fds[PANTS_FDS_MAX], job_fd_count;

static void tell(int fd, uint16_t type, uint32_t value, const char *text) {
    struct pants_msg head = {PANTS_MSG_MAGIC, PANTS_MSG_VERSION, type, (uint32_t)strlen(text), value};
    char all[4096];
    memcpy(all, &head, sizeof head);
    memcpy(all + sizeof head, text, head.length);
    if (send(fd, all, sizeof head + head.length, MSG_NOSIGNAL) < 0) printf("peer gone\n");
}

static int read_all(int fd, void *into, size_t size) {
    for (char *at = into; size > 0;) {
        struct iovec part = {at, size};
        char control[256];
        struct msghdr message = {
            .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
        ssize_t got = recvmsg(fd, &message, 0);
        if (got <= 0) return 0;
        struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
        if (rights && rights->cmsg_type == SCM_RIGHTS) {
            job_fd_count = (int)((rights->cmsg_len - CMSG_LEN(0)) / sizeof(int));
            memcpy(job_fds, CMSG_DATA(rights), (size_t)job_fd_count * sizeof(int));
        }
        at += got;
        size -= (size_t)got;
    }
    return 1;
}

static void dump(const char *payload, uint32_t length) {
    struct pants_run run;
    memcpy(&run, payload, sizeof run);
    printf("fds");
    for (uint32_t i = 0; i < run.fd_count; i++)
        printf(" %u", run.fds[i]);
    printf("\nflags %x umask %o argc %u nice %d ignored %llx blocked %llx received %d nofile %llu\n",
           run.flags, run.umask, run.argc, run.nice, (unsigned long long)run.ignored,
           (unsigned long long)run.blocked, job_fd_count, (unsigned long long)run.rlimits[7][0]);
    const char *at = payload + PANTS_RUN_FIXED, *end = payload + length;
    static const char *const names[] = {"cwd", "path", "host", "after"};
    for (uint32_t i = 0; i < 4 + run.argc + run.envc && at + 4 <= end; i++) {
        uint32_t size;
        memcpy(&size, at, 4);
        at += 4;
        const char *name = i < 4 ? names[i] : i < 4 + run.argc ? "argv" : "env";
        if (i < 4 + run.argc || strncmp(at, "PROBE_", 6) == 0 || strncmp(at, "PANTS_STANDIN", 13) == 0)
            printf("%s %.*s\n", name, (int)size, at);
        at += size;
    }
    printf(at == end ? "whole\n" : "torn\n");
}

static void step(int fd, const char *what, const char *run, uint32_t run_length) {
    const char *value = strchr(what, ':') ? strchr(what, ':') + 1 : "";
    if (strcmp(what, "ready") == 0)
        tell(fd, PANTS_MSG_READY, 0, "");
    else if (strncmp(what, "here:", 5) == 0)
        tell(fd, PANTS_MSG_HERE, (uint32_t)atoi(value), strchr(value, ':') + 1);
    else if (strncmp(what, "started:", 8) == 0)
        tell(fd, PANTS_MSG_STARTED, 0, value);
    else if (strncmp(what, "exit:", 5) == 0)
        tell(fd, PANTS_MSG_EXIT, (uint32_t)atoi(value), "");
    else if (strncmp(what, "lost:", 5) == 0)
        tell(fd, PANTS_MSG_LOST, 0, value);
    else if (strncmp(what, "stopped:", 8) == 0)
        tell(fd, PANTS_MSG_STOPPED, (uint32_t)atoi(value), "");
    else if (strncmp(what, "write:", 6) == 0) {
        if (write(job_fds[1], value, strlen(value)) < 0) perror("write");
    } else if (strcmp(what, "dump") == 0)
        dump(run, run_length);
    else if (strcmp(what, "half") == 0)
        send(fd, "PPRX\1", 5, MSG_NOSIGNAL);
    else if (strcmp(what, "close") == 0)
        exit(0);
    else if (strcmp(what, "hang") == 0) {
        for (int i = 0; i < job_fd_count; i++)
            close(job_fds[i]); /* whoever reads its output waits for the end */
        pause();
    } else if (strcmp(what, "signal") == 0 || strcmp(what, "gone") == 0) {
        struct pants_msg message;
        if (!read_all(fd, &message, sizeof message))
            printf("gone\n");
        else
            printf("signal %x\n", message.value);
    } else
        printf("step %s?\n", what);
    fflush(stdout);
}

/* What the processes that serve connections share. */
struct shared {
    int jobs;
};
static struct shared *shared;

static char **steps_of(char **steps, int job) {
    while (job-- > 0) {
        char **next = steps;
        while (*next && strcmp(*next, "--") != 0)
            next++;
        if (!*next) break;
        steps = next + 1;
    }
    return steps;
}

static void serve(int fd, char **steps, int mute) {
    struct pants_msg head;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    while (read_all(fd, &head, sizeof head) && head.type == PANTS_MSG_HELLO) {
        if (mute && shared->jobs > 0) pause();
        tell(fd, PANTS_MSG_READY, 0, "");
    }
    char *payload = malloc(head.length + 1);
    if (head.type != PANTS_MSG_RUN || !read_all(fd, payload, head.length)) exit(0);
    steps = steps_of(steps, __atomic_fetch_add(&shared->jobs, 1, __ATOMIC_SEQ_CST));
    for (; *steps && strcmp(*steps, "--") != 0; steps++)
        step(fd, *steps, payload, head.length);
    exit(0);
}

int main(int argc, char **argv) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int mute = argc > 1 && strcmp(argv[1], "--mute") == 0;
    argv += mute;
    if (argc - mute < 2) return 2;
    signal(SIGCHLD, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    setvbuf(stdout, NULL, _IOLBF, 0);
    snprintf(address.sun_path, sizeof address.sun_path, "%s/prexd.sock", argv[1]);
    unlink(address.sun_path);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    umask(077);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 64) != 0)
        return perror(address.sun_path), 1;
    printf("listening\n");
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0 && fork() == 0) serve(fd, argv + 2, mute);
        close(fd);
    }
}
