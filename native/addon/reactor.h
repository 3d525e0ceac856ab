// Readiness of descriptors, by an epoll set of our own that the event loop watches as one descriptor.
//
// libuv sets O_NONBLOCK on every descriptor that it is given, and that flag belongs to the open file
// description, which a caller's descriptor shares with the caller's other processes. So their descriptors go
// into this set and never into libuv.
//
// Level-triggered unless EPOLLET is asked for. A handler may watch, unwatch and close anything, itself
// included, while it runs: every registration has a generation, and an event of an older one is dropped.
// Descriptors must leave the set before they are closed, since an open duplicate would keep them in it.
#ifndef PANTS_ADDON_REACTOR_H
#define PANTS_ADDON_REACTOR_H
#include <cstdint>
#include <functional>
#include <memory>
#include <sys/epoll.h>
#include <unordered_map>
#include <uv.h>

class Reactor {
  public:
    using Handler = std::function<void(uint32_t events)>;
    // Runs what it is given: the handlers of some events.
    using Round = std::function<void(const std::function<void()> &handlers)>;

    // Keeps the loop alive only while something is watched. Throws nothing; a failure shows as -errno in
    // watch().
    Reactor(uv_loop_t *loop, Round round);
    Reactor(const Reactor &) = delete;
    Reactor &operator=(const Reactor &) = delete;

    // Registers fd, or changes what is watched on it. 0, or -errno: EPERM for what cannot be polled.
    int watch(int fd, uint32_t events, Handler handler);
    void unwatch(int fd);

    // Forgets all handlers at once, and calls `done` when the loop has let go of the set; then it may be
    // deleted.
    void shut(std::function<void()> done);

  private:
    struct Watch {
        uint32_t generation;
        Handler handler;
    };

    void dispatch();
    void handle(const epoll_event &event);
    void hold_loop();

    Round round_;
    int set_;
    int error_ = 0;
    uint32_t generation_ = 0;
    uv_poll_t poll_{};
    std::unordered_map<int, std::shared_ptr<Watch>> watches_;
    std::function<void()> done_;
};

#endif
