// Carries what streams through links on a thread of its own: it takes a third of the CPU time that JavaScript
// took, or less, and is woken for what there is, at once; and the main thread stays free for everything else.
// One thread for all links.
//
// JavaScript lends a link's two descriptors, and those of programs and callers, and has them back when it
// says so: no call waits, but for the file that the thread may be reading or writing. What it does not carry
// it hands over, and takes what is to be sent.
#ifndef PANTS_ADDON_RELAY_H
#define PANTS_ADDON_RELAY_H
#include "relay_link.h"

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <unordered_map>

class Relay {
  public:
    Relay() = default;
    ~Relay();
    Relay(const Relay &) = delete;
    Relay &operator=(const Relay &) = delete;

    // An eventfd that counts up when some link has news; it is ours. -errno.
    int start();
    // A number for the link.
    int open(std::unique_ptr<RelayLink> link);
    void close(int link);
    // Calls `use` while the thread does not look at the link. False: there is no such link. `wake`: what it
    // waits for has changed.
    bool with(int link, bool wake, const std::function<void(RelayLink &)> &use);

  private:
    // The thread's as well, which may outlive us: a file server may keep it.
    struct Shared {
        std::mutex mutex;
        std::unordered_map<int, std::unique_ptr<RelayLink>> links;
        std::unordered_map<int, bool> told; // since JavaScript took its news
        int wake = -1;
        int notice = -1;
        bool awake = false;
        std::atomic<bool> over{false};

        ~Shared();
        void run();
        void rouse();
        void tell(int link);
    };

    std::shared_ptr<Shared> shared_;
    int last_ = 0;
};

#endif
