/* One connection to prexd: sends RUN, waits for READY, then for the outcome, and forwards signals meanwhile.
 * Every wait is bounded: before the start by READY_MS and by asking prexd whether it lives, after it by
 * PANTS_ORPHAN_WAIT_MS of not answering, when its agent has killed the job for want of a word from it. */
#include "prex.h"
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct talk {
    struct peer peer;
    const struct job *job;
    struct outcome *outcome;
    const char *after;
    bool greeted, ready, started, over;
    int64_t answer_by_ms;
    int64_t silent_since_ms; /* first probe that failed in a row; 0 = none did */
};

static void cut(char *to, size_t size, const char *from) {
    size_t length = strnlen(from, size - 1);
    memcpy(to, from, length);
    to[length] = '\0';
}

static void finish(struct talk *t, enum end end, enum pants_reason reason, const char *text) {
    terminal_restore();
    t->outcome->end = end;
    t->outcome->reason = reason;
    if (text != t->outcome->text) cut(t->outcome->text, sizeof t->outcome->text, text);
    t->over = true;
}

static void give_up(struct talk *t, const char *text);

static void hand_over(struct talk *t) {
    const char *why = "";
    struct bytes run = run_message(t->job, t->after, &why);
    t->greeted = true;
    if (!run.at)
        finish(t, END_HERE, PANTS_WHY_UNFIT, why);
    else if (!peer_send(t->peer.fd, run.at, run.size, inherited.fds, inherited.count))
        give_up(t, "prexd does not take the job");
    free(run.at);
    t->answer_by_ms = now_ms() + READY_MS;
}

static void heard(struct talk *t, const struct pants_msg *message, const char *text) {
    switch (message->type) {
    case PANTS_MSG_READY:
        if (t->greeted)
            t->ready = true;
        else
            hand_over(t);
        break;
    case PANTS_MSG_HERE:
        finish(t, END_HERE, (enum pants_reason)message->value, text); /* also after STARTED: refused there */
        break;
    case PANTS_MSG_STARTED:
        t->ready = t->started = true;
        terminal_pass();
        cut(t->outcome->where, sizeof t->outcome->where, text);
        if (debugging())
            fprintf(stderr, "prex: %s: started on %.*s\n", t->job->path, (int)strcspn(text, " "), text);
        break;
    case PANTS_MSG_EXIT:
        t->outcome->status = (int)message->value;
        finish(t, END_STATUS, PANTS_WHY_NONE, "");
        break;
    case PANTS_MSG_CHANGED:
        files_changed(text, message->length);
        break;
    case PANTS_MSG_CLOSED:
        inherit_drop((int)message->value);
        break;
    case PANTS_MSG_LOST:
        finish(t, END_LOST, PANTS_WHY_LOST, text);
        break;
    case PANTS_MSG_STOPPED:
        terminal_restore();
        stop_self((int)message->value);
        terminal_pass();
        peer_tell(t->peer.fd, PANTS_MSG_SIGNAL, SIGCONT);
        break;
    default: /* of a newer prexd */
        break;
    }
}

/* Takes what has come; false when the connection is at its end. */
static bool take(struct talk *t) {
    struct pants_msg message;
    static char text[PANTS_PART_MAX + 1];
    int got = 1;
    while (!t->over && (got = peer_next(&t->peer, &message, text, sizeof text)) > 0)
        heard(t, &message, text);
    return got >= 0;
}

static void broken(struct talk *t, const char *text) {
    if (t->over) return;
    if (t->started)
        finish(t, END_BROKEN, PANTS_WHY_LOST, text);
    else
        finish(t, END_HERE, PANTS_WHY_FAULT, text);
}

/* Ends the talk so that prexd starts nothing afterwards: its send of STARTED fails from here on, and one that
 * it had sent before is still in our buffer. */
static void give_up(struct talk *t, const char *text) {
    shutdown(t->peer.fd, SHUT_RDWR);
    take(t);
    broken(t, text);
}

static void probe(struct talk *t) {
    int64_t asked_ms = now_ms();
    if (helper_lives())
        t->silent_since_ms = 0;
    else if (!t->started)
        give_up(t, "prexd does not answer");
    else if (helper_held_up())
        t->silent_since_ms = 0;
    else if (t->silent_since_ms == 0)
        t->silent_since_ms = asked_ms;
    else if (now_ms() - t->silent_since_ms >= PANTS_ORPHAN_WAIT_MS)
        give_up(t, "prexd does not answer");
}

static void forward(struct talk *t) {
    for (int signal; (signal = signals_next(t->started)) != 0;) {
        if ((signal & 0xff) == SIGCONT && t->started)
            terminal_pass(); /* maybe by fg, out of the background */
        if (t->started)
            peer_tell(t->peer.fd, PANTS_MSG_SIGNAL, (uint32_t)signal);
        else if (signal_stops(signal & 0xff))
            stop_self(signal & 0xff);
        else
            end_by_signal(signal & 0xff); /* as the program would have; prexd sees us go */
    }
}

void talk(int fd, const struct job *job, const char *after, struct outcome *outcome) {
    struct talk t = {.peer.fd = fd, .job = job, .outcome = outcome, .after = after};
    t.answer_by_ms = now_ms() + READY_MS;
    if (!peer_tell(fd, PANTS_MSG_HELLO, 0)) broken(&t, "prexd broke off");
    while (!t.over) {
        struct pollfd wait[2] = {{.fd = fd, .events = POLLIN},
                                 {.fd = signals_fd(t.started), .events = POLLIN}};
        int64_t left_ms = t.ready ? PROBE_MS : t.answer_by_ms - now_ms();
        int events = poll(wait, 2, left_ms > 0 ? (int)left_ms : 0);
        if (events > 0 && wait[0].revents && !take(&t)) broken(&t, "prexd broke off");
        if (events > 0 && wait[1].revents && !t.over) forward(&t);
        if (t.over) break;
        if (!t.ready && now_ms() >= t.answer_by_ms)
            give_up(&t, "prexd does not answer");
        else if (events == 0 && t.ready)
            probe(&t);
    }
    close(fd);
}
