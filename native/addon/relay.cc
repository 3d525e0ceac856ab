// See relay.h.
#include "relay.h"

#include <cerrno>
#include <csignal>
#include <ctime>
#include <pthread.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <system_error>
#include <thread>
#include <unistd.h>
#include <utility>

namespace {

// Until something happens.
constexpr int64_t kForever = INT64_MAX;

void count_up(int event) {
    const uint64_t one = 1;
    (void)!write(event, &one, sizeof one);
}

int wait_for(std::vector<pollfd> &fds, int64_t timeout_us) {
    const timespec timeout{static_cast<time_t>(timeout_us / 1000000),
                           static_cast<long>(timeout_us % 1000000) * 1000};
    return ppoll(fds.data(), fds.size(), timeout_us == kForever ? nullptr : &timeout, nullptr);
}

} // namespace

Relay::Shared::~Shared() {
    for (const int fd : {wake, notice})
        if (fd >= 0) ::close(fd);
}

Relay::~Relay() {
    if (!shared_) return;
    shared_->over = true;
    count_up(shared_->wake);
}

int Relay::start() {
    if (shared_) return shared_->notice;
    auto shared = std::make_shared<Shared>();
    shared->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    shared->notice = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (shared->wake < 0 || shared->notice < 0) return -errno;
    // Signals are the main thread's.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = 0;
    try {
        std::thread([shared] { shared->run(); }).detach();
    } catch (const std::system_error &failure) {
        error = -failure.code().value();
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    if (error != 0) return error;
    shared_ = std::move(shared);
    return shared_->notice;
}

int Relay::open(std::unique_ptr<RelayLink> link) {
    const std::lock_guard<std::mutex> lock(shared_->mutex);
    shared_->links[++last_] = std::move(link);
    shared_->told[last_] = false;
    shared_->rouse();
    return last_;
}

void Relay::close(int link) {
    if (!shared_) return;
    const std::lock_guard<std::mutex> lock(shared_->mutex);
    shared_->links.erase(link);
    shared_->told.erase(link);
    shared_->rouse();
}

bool Relay::with(int link, bool wake, const std::function<void(RelayLink &)> &use) {
    if (!shared_) return false;
    const std::lock_guard<std::mutex> lock(shared_->mutex);
    const auto found = shared_->links.find(link);
    if (found == shared_->links.end()) return false;
    use(*found->second);
    if (!found->second->has_news()) shared_->told[link] = false;
    shared_->tell(link);
    if (wake) shared_->rouse();
    return true;
}

// It need not be told twice before it has looked.
void Relay::Shared::rouse() {
    if (!awake) count_up(wake);
    awake = true;
}

void Relay::Shared::tell(int link) {
    bool &is_told = told[link];
    if (is_told || !links[link]->has_news()) return;
    is_told = true;
    count_up(notice);
}

void Relay::Shared::run() {
    // Whoever writes to us goes on writing first, if there is no other CPU for us: more comes at a time then.
    const sched_param none{};
    sched_setscheduler(0, SCHED_BATCH, &none);
    std::vector<pollfd> fds;
    std::vector<RelayLink::Wait> waits;
    std::vector<int> of; // the link of each
    std::unique_lock<std::mutex> lock(mutex);
    while (!over) {
        int64_t timeout = kForever;
        const int64_t now = monotonic_us();
        waits.clear();
        of.clear();
        for (auto &[id, link] : links) {
            link->waits(waits, now, timeout);
            of.resize(waits.size(), id);
        }
        fds.assign(1, {wake, POLLIN, 0});
        for (const auto &wait : waits)
            fds.push_back(wait.fd);
        awake = false;
        lock.unlock();
        wait_for(fds, timeout);
        lock.lock();
        if (fds[0].revents != 0) {
            uint64_t count;
            (void)!read(wake, &count, sizeof count);
        }
        // Whoever roused us may have taken back what we waited for.
        const bool changed = awake;
        awake = true;
        for (size_t i = 0; i < waits.size() && !changed; i++) {
            if (fds[i + 1].revents != 0) *waits[i].ready = true;
        }
        if (changed) continue;
        const int64_t then = monotonic_us();
        for (auto &[id, link] : links) {
            link->step(then);
            tell(id);
        }
    }
}
