// See vigil.h.
#include "vigil.h"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace {

enum State { idle, held, speaking };

constexpr int kLookMs = 1000;
// A main thread that has not ticked for so long may be held up.
constexpr int64_t kLateMs = 2000;

int64_t now_ms() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1000000;
}

// Calls in which a thread waits for events or for another thread, so that it is not a file that it waits for.
bool waits_for_events(long call) {
    switch (call) {
#ifdef SYS_epoll_wait
    case SYS_epoll_wait:
#endif
#ifdef SYS_poll
    case SYS_poll:
#endif
    case SYS_epoll_pwait:
#ifdef SYS_epoll_pwait2
    case SYS_epoll_pwait2:
#endif
    case SYS_ppoll:
    case SYS_futex:
    case SYS_nanosleep:
    case SYS_clock_nanosleep:
        return true;
    default:
        return call < 0; // -1: stopped, or in the kernel without having called it
    }
}

} // namespace

Vigil::~Vigil() {
    if (!thread_.joinable()) return;
    const uint64_t one = 1;
    (void)!write(wake_, &one, sizeof one);
    thread_.join();
    close(wake_);
}

int Vigil::start() {
    if (thread_.joinable()) return 0;
    tick();
    main_call_ = "/proc/self/task/" + std::to_string(syscall(SYS_gettid)) + "/syscall";
    wake_ = eventfd(0, EFD_CLOEXEC);
    if (wake_ < 0) return -errno;
    // Signals are the main thread's.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int result = 0;
    try {
        thread_ = std::thread([this] { watch(); });
    } catch (const std::system_error &error) {
        result = -error.code().value();
        close(wake_);
        wake_ = -1;
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return result;
}

int Vigil::join(int fd, std::string words, int every_ms) {
    const int result = start();
    if (result < 0) return result;
    auto voice = std::make_shared<Voice>();
    voice->words = std::move(words);
    voice->every_ms = every_ms;
    const std::lock_guard<std::mutex> lock(mutex_);
    voices_[fd] = std::move(voice);
    return 0;
}

void Vigil::leave(int fd) {
    const std::lock_guard<std::mutex> lock(mutex_);
    voices_.erase(fd);
}

int Vigil::listen(int fd) {
    const int result = start();
    const std::lock_guard<std::mutex> lock(mutex_);
    listener_ = result < 0 ? -1 : fd;
    return result;
}

int Vigil::guard(int fd, int silent_ms) {
    const int result = start();
    const std::lock_guard<std::mutex> lock(mutex_);
    guarded_ = result < 0 ? -1 : fd;
    guard_ms_ = silent_ms;
    return result;
}

void Vigil::tick(int64_t silent_ms) {
    const int64_t now = now_ms();
    signs_->heard_ms = now - silent_ms;
    ticked_ms_ = now;
}

void Vigil::Voice::hold() {
    for (int expected = idle; !state.compare_exchange_weak(expected, held); expected = idle) {
        if (expected == held) return;
        sched_yield(); // the thread is in a write that does not wait
    }
    spoke_ms = now_ms();
}

void Vigil::Voice::release() {
    state = idle;
}

std::shared_ptr<Vigil::Voice> Vigil::voice(int fd) const {
    const auto found = voices_.find(fd); // only the main thread changes it
    return found == voices_.end() ? nullptr : found->second;
}

void Vigil::hold(int fd) {
    if (const auto found = voices_.find(fd); found != voices_.end()) found->second->hold();
}

void Vigil::release(int fd) {
    if (const auto found = voices_.find(fd); found != voices_.end()) found->second->release();
}

void Vigil::watch() {
    for (;;) {
        int listener = -1;
        {
            const std::lock_guard<std::mutex> lock(mutex_);
            listener = listener_;
        }
        pollfd waits[2] = {{wake_, POLLIN, 0}, {listener, POLLIN, 0}};
        const int events = poll(waits, 2, kLookMs);
        if (waits[0].revents != 0) return;
        const bool up = now_ms() - ticked_ms_ >= kLateMs && held_up();
        if (up) speak();
        guard_look(up);
        if (events > 0 && waits[1].revents != 0) answer(listener, up);
    }
}

bool Vigil::held_up() const {
    char text[32] = "";
    const int fd = open(main_call_.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false;
    const ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    char *end = text;
    const long call = n > 0 ? strtol(text, &end, 10) : -1; // "running", or the number and its arguments
    if (end == text) return false;
    return !waits_for_events(call) || (call == SYS_futex && signs_->at_file);
}

void Vigil::speak() {
    const std::lock_guard<std::mutex> lock(mutex_);
    const int64_t now = now_ms();
    for (auto &[fd, voice] : voices_) {
        int expected = idle;
        if (now - voice->spoke_ms < voice->every_ms) continue;
        if (!voice->state.compare_exchange_strong(expected, speaking)) continue;
        // Few enough bytes to go whole or not at all.
        (void)!write(fd, voice->words.data(), voice->words.size());
        voice->spoke_ms = now;
        voice->state = idle;
    }
}

// Nobody reads meanwhile: what comes in is told by how much lies there.
void Vigil::guard_look(bool held_up) {
    const std::lock_guard<std::mutex> lock(mutex_);
    int bytes = 0;
    if (guarded_ < 0 || !held_up || ioctl(guarded_, FIONREAD, &bytes) < 0) {
        guarded_bytes_ = -1;
        return;
    }
    if (guarded_bytes_ >= 0 && bytes != guarded_bytes_) signs_->heard_ms = now_ms();
    guarded_bytes_ = bytes;
    pollfd end{guarded_, POLLRDHUP, 0};
    const bool over = poll(&end, 1, 0) == 1;
    if (over || now_ms() - signs_->heard_ms >= guard_ms_) kill(getpid(), SIGKILL);
}

void Vigil::answer(int listener, bool held_up) {
    const int fd = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) return;
    if (held_up) (void)!send(fd, "!", 1, MSG_NOSIGNAL);
    close(fd);
}
