// Speaks for a process whose main thread is held up in a system call: a file server that does not answer keeps
// whoever asks it for a file, for minutes if need be, and whoever waits for that process must not take it for dead.
//
// A thread looks once in a while whether the main thread has said that it lives. If it has not, and is in a system call
// that does not wait for events, the thread says a few bytes on each descriptor that was given to it, and yes to
// whoever asks on a socket. A main thread that runs for ever, or waits for another thread, is not spoken for. And what
// the main thread would have done when the other end is silent or gone, which is to end this process, the thread does.
#ifndef PANTS_ADDON_VIGIL_H
#define PANTS_ADDON_VIGIL_H
#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>

class Vigil {
  public:
    // One descriptor, and whose turn it is to write there.
    struct Voice {
        // Whoever shares the descriptor with us is going to write, and has written all of what it began.
        void hold();
        void release();

        std::string words;
        int every_ms;
        std::atomic<int> state{0};
        std::atomic<int64_t> spoke_ms{0};
    };

    // What another thread, which works for the main one, lets us know.
    struct Signs {
        // Something came in on what is guarded, at that time.
        std::atomic<int64_t> heard_ms{0};
        // It reads or writes a file, so that the main thread may be waiting for a file server when it waits for that thread.
        std::atomic<bool> at_file{false};
    };

    Vigil() = default;
    ~Vigil();
    Vigil(const Vigil &) = delete;
    Vigil &operator=(const Vigil &) = delete;

    // The thread that calls this first is the main one.
    // `words` are said on the descriptor, at once, about every `every_ms`. 0, or -errno.
    int join(int fd, std::string words, int every_ms);
    void leave(int fd);
    // Whoever connects to this listening socket is sent one byte while the main thread is held up, and nothing
    // otherwise. 0, or -errno.
    int listen(int fd);
    // While the main thread is held up, this process is killed once nothing has come in on `fd` for `silent_ms`, or nothing
    // can come any more. 0, or -errno.
    int guard(int fd, int silent_ms);
    // The same for another thread that writes there; null: nothing is said on that descriptor.
    std::shared_ptr<Voice> voice(int fd) const;
    std::shared_ptr<Signs> signs() const {
        return signs_;
    }
    // From the main thread, every second or so. `silent_ms`: nothing has come in for so long.
    void tick(int64_t silent_ms = 0);
    // The main thread is going to write to the descriptor, and has written all of what it began.
    void hold(int fd);
    void release(int fd);

  private:
    int start();
    void watch();
    void speak();
    void guard_look(bool held_up);
    static void answer(int listener, bool held_up);
    bool held_up() const;

    std::mutex mutex_; // of what the main thread sets
    std::unordered_map<int, std::shared_ptr<Voice>> voices_;
    int listener_ = -1;
    int guarded_ = -1;
    int guard_ms_ = 0;
    int guarded_bytes_ = -1;
    std::atomic<int64_t> ticked_ms_{0};
    const std::shared_ptr<Signs> signs_ = std::make_shared<Signs>();
    std::string main_call_; // /proc/self/task/TID/syscall of that thread
    int wake_ = -1;
    std::thread thread_;
};

#endif
