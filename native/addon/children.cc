// See children.h.
#include "children.h"
#include "processes.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

// Looks at /proc before SIGKILL: many, while new processes keep appearing; few, when one of them does not stop.
constexpr int kStopRounds = 1000;
constexpr int kStubbornRounds = 20;
constexpr useconds_t kSettleUs = 200;

// The first child that has ended and was not reaped, or 0.
pid_t some_ended() {
    siginfo_t info{};
    return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 ? info.si_pid : 0;
}

// Grows `found` by all processes of the session, everything below them, and the sessions that those have
// opened: what is forked while its parent is being killed has another parent by now, but still its session.
void add_session(pid_t sid, const std::vector<Process> &all, std::unordered_set<pid_t> &found) {
    const pid_t self = getpid();
    for (size_t before = SIZE_MAX; before != found.size();) {
        before = found.size();
        for (const Process &process : all) {
            if (process.pid == self || process.state == 'Z') continue;
            const bool inside = process.session == sid || found.count(process.session) != 0;
            if (inside || process.pid == sid || found.count(process.parent) != 0) found.insert(process.pid);
        }
    }
}

bool stands_still(const Process &process) {
    return process.state == 'T' || process.state == 't' || process.state == 'Z' || process.state == 'X';
}

// Stops everything that add_session finds, until a look shows nothing new and all of it standing still: a fork
// that was under way when its signal came is finished first (copy_process delays all but fatal signals), and its
// child is seen by the next look only. What waits in the kernel for its vfork's child never shows as stopped.
void stop_session(pid_t sid, std::unordered_set<pid_t> &found) {
    std::unordered_set<pid_t> stopped;
    int stubborn = 0;
    for (int round = 0; round < kStopRounds && stubborn < kStubbornRounds; round++) {
        const std::vector<Process> all = processes();
        add_session(sid, all, found);
        bool news = false;
        for (const pid_t pid : found) {
            if (!stopped.insert(pid).second) continue;
            kill(pid, SIGSTOP);
            news = true;
        }
        if (news) {
            stubborn = 0;
            continue;
        }
        const auto moves = [&](const Process &p) { return found.count(p.pid) != 0 && !stands_still(p); };
        if (std::none_of(all.begin(), all.end(), moves)) return;
        stubborn++;
        usleep(kSettleUs);
    }
}

// Kills all but the leader until a look shows nobody who has not been: what a fork made just before its process's
// SIGKILL came is there at the next look, and with that signal pending no fork succeeds any more. The leader comes
// last: when it is a holder, whatever loses its parent meanwhile becomes its child and is found.
int end_session(pid_t sid, std::unordered_set<pid_t> &found) {
    std::unordered_set<pid_t> killed;
    bool news = true;
    for (int round = 0; news && round < kStopRounds; round++) {
        news = false;
        add_session(sid, processes(), found);
        for (const pid_t pid : found) {
            if (pid == sid || !killed.insert(pid).second) continue;
            kill(pid, SIGKILL);
            news = true;
        }
    }
    return static_cast<int>(killed.size());
}

} // namespace

bool Children::reap(pid_t pid, End &end) {
    end.usage = {};
    const pid_t ended = wait4(pid, &end.status, WNOHANG, &end.usage);
    if (ended == 0) return false;
    if (ended < 0) end.status = -1;
    ours_.erase(pid);
    return true;
}

int Children::reap_orphans(const std::unordered_set<pid_t> &others) {
    const auto spoken_for = [&](pid_t pid) { return ours_.count(pid) != 0 || others.count(pid) != 0; };
    const auto reap = [](pid_t pid) { return waitpid(pid, nullptr, WNOHANG) == pid; };
    int reaped = 0;
    pid_t ended;
    while ((ended = some_ended()) != 0 && !spoken_for(ended)) {
        if (!reap(ended)) break;
        reaped++;
    }
    if (ended == 0) return reaped;
    // One that is spoken for stands before the others: look for them by name.
    const pid_t self = getpid();
    for (const Process &process : processes()) {
        if (process.parent != self || process.state != 'Z' || spoken_for(process.pid)) continue;
        if (reap(process.pid)) reaped++;
    }
    return reaped;
}

int open_child(pid_t pid) {
    siginfo_t info{};
    if (waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) < 0) return -errno;
    const int fd = static_cast<int>(syscall(SYS_pidfd_open, pid, 0)); // close-on-exec
    return fd < 0 ? -errno : fd;
}

int stop_state(pid_t pid) {
    siginfo_t info{};
    if (waitid(P_PID, static_cast<id_t>(pid), &info, WSTOPPED | WCONTINUED | WNOHANG) < 0) return 0;
    if (info.si_pid == 0) return 0;
    return info.si_code == CLD_CONTINUED ? -1 : info.si_status;
}

int kill_session(pid_t sid, int signal, bool leader_too) {
    if (sid <= 1) return 0;
    std::unordered_set<pid_t> found;
    int signalled = 0;
    if (signal == SIGKILL) {
        stop_session(sid, found);
        signalled = end_session(sid, found);
    } else {
        add_session(sid, processes(), found);
        for (const pid_t pid : found)
            if (pid != sid && kill(pid, signal) == 0) signalled++;
    }
    if (leader_too && kill(sid, signal) == 0) signalled++;
    return signalled;
}
