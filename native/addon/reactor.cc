// See reactor.h.
#include "reactor.h"

#include <algorithm>
#include <cerrno>
#include <unistd.h>
#include <utility>

namespace {

// Events taken in one round; the kernel rotates its list, so a busy descriptor cannot starve the others.
constexpr int kBatch = 128;
// Of these so many are handled in a round, at whose end what they gave rise to is sent: together, but the first
// need not wait for all of a crowd.
constexpr int kRound = 8;

epoll_event interest(int fd, uint32_t generation, uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.u64 = (uint64_t{generation} << 32) | static_cast<uint32_t>(fd);
    return event;
}

} // namespace

Reactor::Reactor(uv_loop_t *loop, Round round)
    : round_(std::move(round)), set_(epoll_create1(EPOLL_CLOEXEC)) {
    if (set_ < 0) {
        error_ = -errno;
        return;
    }
    error_ = uv_poll_init(loop, &poll_, set_);
    if (error_ != 0) return;
    poll_.data = this;
    error_ = uv_poll_start(&poll_, UV_READABLE, [](uv_poll_t *handle, int, int) {
        static_cast<Reactor *>(handle->data)->dispatch();
    });
    hold_loop();
}

int Reactor::watch(int fd, uint32_t events, Handler handler) {
    if (error_ != 0) return error_;
    if (fd < 0) return -EBADF;
    const uint32_t generation = ++generation_;
    epoll_event event = interest(fd, generation, events);
    const bool known = watches_.count(fd) != 0;
    int result = epoll_ctl(set_, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event);
    // The number may have been closed and given to another file behind our back.
    if (result < 0 && known && errno == ENOENT) result = epoll_ctl(set_, EPOLL_CTL_ADD, fd, &event);
    if (result < 0 && !known && errno == EEXIST) result = epoll_ctl(set_, EPOLL_CTL_MOD, fd, &event);
    if (result < 0) {
        const int error = -errno;
        unwatch(fd);
        return error;
    }
    watches_[fd] = std::make_shared<Watch>(Watch{generation, std::move(handler)});
    hold_loop();
    return 0;
}

void Reactor::unwatch(int fd) {
    const auto found = watches_.find(fd);
    if (found == watches_.end()) return;
    // Out of the map before the handler is destroyed: what it captured may call back into us.
    const std::shared_ptr<Watch> last = std::move(found->second);
    watches_.erase(found);
    epoll_ctl(set_, EPOLL_CTL_DEL, fd, nullptr);
    hold_loop();
}

void Reactor::dispatch() {
    epoll_event events[kBatch];
    const int count = epoll_wait(set_, events, kBatch, 0);
    for (int first = 0; first < count && error_ == 0; first += kRound) {
        round_([&] {
            for (int i = first; i < std::min(first + kRound, count); i++)
                handle(events[i]);
        });
    }
}

void Reactor::handle(const epoll_event &event) {
    const int fd = static_cast<int>(event.data.u64 & 0xffffffffu);
    const uint32_t generation = static_cast<uint32_t>(event.data.u64 >> 32);
    const auto found = watches_.find(fd);
    if (found == watches_.end() || found->second->generation != generation) return;
    const std::shared_ptr<Watch> running = found->second;
    running->handler(event.events);
}

void Reactor::hold_loop() {
    if (error_ != 0) return;
    auto *handle = reinterpret_cast<uv_handle_t *>(&poll_);
    if (watches_.empty()) {
        uv_unref(handle);
    } else {
        uv_ref(handle);
    }
}

void Reactor::shut(std::function<void()> done) {
    done_ = std::move(done);
    watches_.clear();
    if (poll_.data == nullptr) {
        if (set_ >= 0) close(set_);
        done_();
        return;
    }
    error_ = -ECANCELED;
    uv_close(reinterpret_cast<uv_handle_t *>(&poll_), [](uv_handle_t *handle) {
        auto *self = static_cast<Reactor *>(handle->data);
        close(self->set_);
        const auto done = std::move(self->done_); // which deletes us
        done();
    });
}
