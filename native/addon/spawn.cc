// See spawn.h. Between vfork and exec the child runs in this process's memory, on this stack: it may only
// make system calls, and reports its error through memory. All signals are blocked around it, so that no
// handler of ours runs in the child; it unblocks only after it has reset all dispositions.
#include "spawn.h"
#include "slots.h"

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

constexpr int kSignals = 64;
constexpr int kCloseAtMost = 1 << 16;
constexpr int kIoProcess = 1; // IOPRIO_WHO_PROCESS, for which glibc has no header

struct Child {
    const SpawnRequest &request;
    char *const *argv;
    char *const *envp;
    pid_t parent;
    volatile int error; // written by the child
};

// The kernel's sigaction: glibc's refuses the two signals that it uses itself. Only its first field matters
// here.
struct KernelAction {
    void (*handler)(int);
    unsigned long rest[4];
};

void set_signals(uint64_t ignored) {
    for (int signal = 1; signal <= kSignals; signal++) {
        const bool ignore = (ignored >> (signal - 1)) & 1;
        const KernelAction action{ignore ? SIG_IGN : SIG_DFL, {}};
        syscall(SYS_rt_sigaction, signal, &action, nullptr, sizeof(uint64_t)); // fails for KILL and STOP
    }
}

void close_from(unsigned first, unsigned last) {
    if (first > last || syscall(SYS_close_range, first, last, 0) == 0) return;
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    const unsigned end =
        limit.rlim_cur < rlim_t{kCloseAtMost} ? static_cast<unsigned>(limit.rlim_cur) : kCloseAtMost;
    for (unsigned fd = first; fd < end && fd <= last; fd++)
        close(static_cast<int>(fd));
}

// Each source is first lifted out of the way, so that no order of moving them can hurt.
int set_descriptors(const std::vector<int> &fds) {
    int lifted[kDescriptorsMax];
    const int count = static_cast<int>(fds.size());
    int *to = lifted;
    for (const int fd : fds) {
        *to = fd >= 0 && fd < count ? fcntl(fd, F_DUPFD, count) : fd;
        if (*to < 0 && fd >= 0) return errno;
        to++;
    }
    int set = 0; // all below are as they shall be
    for (int i = 0; i < count; i++) {
        if (lifted[i] < 0) continue;
        if (i > set) close_from(static_cast<unsigned>(set), static_cast<unsigned>(i) - 1);
        if (dup2(lifted[i], i) < 0) return errno;
        set = i + 1;
    }
    if (count > set) close_from(static_cast<unsigned>(set), static_cast<unsigned>(count) - 1);
    return 0;
}

// All but 0 to count - 1, and one that lies above them.
void close_others(size_t count, int but) {
    const unsigned first = static_cast<unsigned>(count);
    if (but < 0) return close_from(first, ~0u);
    close_from(first, static_cast<unsigned>(but) - 1);
    close_from(static_cast<unsigned>(but) + 1, ~0u);
    fcntl(but, F_SETFD, 0);
}

// What is not permitted stays as it is, as with nice.
void set_scheduling(const SpawnRequest &request) {
    if (request.nice != 0) {
        const int now = getpriority(PRIO_PROCESS, 0);
        setpriority(PRIO_PROCESS, 0, now + request.nice);
    }
    const sched_param none{};
    if (request.policy != 0) syscall(SYS_sched_setscheduler, 0, request.policy, &none);
    if (request.io_priority != 0) syscall(SYS_ioprio_set, kIoProcess, 0, request.io_priority);
}

// As asked where permitted, else as far down as asked and no further up than now.
void set_limits(const std::vector<Limit> &limits) {
    for (size_t i = 0; i < limits.size(); i++) {
        const Limit &wanted = limits[i];
        Limit now{};
        if (syscall(SYS_prlimit64, 0, i, &wanted, &now) == 0) continue;
        if (syscall(SYS_prlimit64, 0, i, nullptr, &now) < 0) continue; // no such limit in this kernel
        const uint64_t hard = wanted.hard < now.hard ? wanted.hard : now.hard;
        const Limit possible{wanted.soft < hard ? wanted.soft : hard, hard};
        syscall(SYS_prlimit64, 0, i, &possible, nullptr);
    }
}

[[noreturn]] void give_up(Child &child, int error) {
    child.error = error;
    _exit(127);
}

[[noreturn]] void become(Child &child) {
    const SpawnRequest &request = child.request;
    if (request.death_signal) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != child.parent) give_up(child, ECHILD);
    }
    if (request.session && setsid() < 0) give_up(child, errno);
    umask(request.umask);
    if (chdir(request.cwd.c_str()) < 0) give_up(child, errno);
    if (const int error = set_descriptors(request.fds)) give_up(child, error);
    close_others(request.fds.size(), request.report);
    if (request.terminal >= 0 && ioctl(request.terminal, TIOCSCTTY, 0) < 0) give_up(child, errno);
    set_limits(request.limits);
    set_scheduling(request);
    if (request.slot >= 0) {
        pants_slot_convert(request.table, request.slot, static_cast<uint32_t>(child.parent),
                           static_cast<uint32_t>(getpid()));
    }
    set_signals(request.ignored);
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &request.blocked, nullptr, sizeof(uint64_t));
    execve(request.path.c_str(), child.argv, child.envp);
    give_up(child, errno);
}

// In a function of its own, so that the child's use of this stack frame hurts no other variables.
__attribute__((noinline)) pid_t start(Child &child) {
    const pid_t pid = vfork();
    if (pid == 0) become(child);
    return pid < 0 ? -errno : pid;
}

std::vector<char *> pointers(const std::vector<std::string> &strings) {
    std::vector<char *> all;
    all.reserve(strings.size() + 1);
    for (const std::string &string : strings)
        all.push_back(const_cast<char *>(string.c_str()));
    all.push_back(nullptr);
    return all;
}

} // namespace

pid_t spawn(const SpawnRequest &request) {
    const std::vector<char *> argv = pointers(request.argv);
    const std::vector<char *> envp = pointers(request.env);
    Child child{request, argv.data(), envp.data(), getpid(), 0};

    const uint64_t all = ~uint64_t{0};
    uint64_t before = 0;
    syscall(SYS_rt_sigprocmask, SIG_BLOCK, &all, &before, sizeof all);
    const pid_t pid = start(child);
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &before, nullptr, sizeof before);

    if (pid >= 0 && child.error == 0) return pid;
    if (request.slot >= 0) {
        pants_slot_release(request.table, request.slot, static_cast<uint32_t>(child.parent));
        if (pid > 0) pants_slot_release(request.table, request.slot, static_cast<uint32_t>(pid));
    }
    if (pid < 0) return pid;
    while (waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
    }
    return -child.error;
}

Held spawn_held(SpawnRequest request, const std::string &prex, Leads leads) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0) {
        const int error = errno;
        if (request.slot >= 0)
            pants_slot_release(request.table, request.slot, static_cast<uint32_t>(getpid()));
        return {-error, 0, -1};
    }
    // Out of the way of the program's own.
    const int above = fcntl(ends[1], F_DUPFD_CLOEXEC, static_cast<int>(request.fds.size()));
    close(ends[1]);
    ends[1] = above;
    const std::string words[] = {prex, "--hold", std::to_string(ends[1]),
                                 std::to_string(static_cast<int>(leads)), request.path};
    request.argv.insert(request.argv.begin(), std::begin(words), std::end(words));
    request.path = prex;
    request.session = true;
    request.report = ends[1];
    const pid_t holder = spawn(request);
    close(ends[1]);
    int32_t program = holder;
    // It answers as soon as the program's exec is over, or ends.
    if (holder > 0) {
        ssize_t n;
        while ((n = read(ends[0], &program, sizeof program)) < 0 && errno == EINTR) {
        }
        if (n != sizeof program) program = -ECHILD;
    }
    if (program > 0) {
        fcntl(ends[0], F_SETFL, O_NONBLOCK);
        // The shim knows a guest by its session's leader.
        if (leads == Leads::session && request.slot >= 0)
            pants_slot_swap(request.table, request.slot,
                            pants_word(static_cast<uint32_t>(holder), 0, PANTS_SLOT_GUEST),
                            pants_word(static_cast<uint32_t>(program), 0, PANTS_SLOT_GUEST));
        return {program, holder, ends[0]};
    }
    close(ends[0]);
    if (holder > 0) {
        kill(holder, SIGKILL);
        while (waitpid(holder, nullptr, 0) < 0 && errno == EINTR) {
        }
        if (request.slot >= 0) pants_slot_release(request.table, request.slot, static_cast<uint32_t>(holder));
    }
    return {program, 0, -1};
}
