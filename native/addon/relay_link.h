// One link whose bytes a thread carries (relay.h): which of them go from a program's pipe to the link, and
// from the link to a caller's, without being looked at. Everything else is handed to JavaScript as it came.
// Not thread-safe.
//
// It knows of the protocol (src/mux/frame.ts) what it needs for that: headers, DATA, and CREDIT.
#ifndef PANTS_ADDON_RELAY_LINK_H
#define PANTS_ADDON_RELAY_LINK_H
#include "vigil.h"

#include <cstdint>
#include <list>
#include <memory>
#include <poll.h>
#include <string>
#include <vector>

class RelayLink {
  public:
    // Of one descriptor of one job.
    struct Name {
        uint32_t stream;
        int fd;
        bool operator==(const Name &other) const { return stream == other.stream && fd == other.fd; }
    };
    struct Source {
        Name name;
        int from;
        // Of a file: where to read on; -1 = it is a pipe.
        int64_t at;
        uint64_t allowance;
        uint64_t most;
        uint64_t moved = 0;
        bool ready = true;
        bool over = false;
        int64_t not_before_us = 0;
    };
    struct Sink {
        Name name;
        int to;
        uint64_t size;
        uint64_t batch;
        uint64_t owed;
        uint64_t delivered = 0;
        // What a pipe has no room for.
        std::string stash;
        size_t stashed_from = 0;
        bool ready = false;
        bool off = false;
        bool file = false;
        size_t stashed() const { return stash.size() - stashed_from; }
    };
    enum class What { ended, off, room, over, quiet };
    struct News {
        What what;
        Name name;
        int error;
    };
    struct Rest {
        uint64_t count;     // bytes that went since it was registered
        uint64_t remaining; // a source's allowance; a sink's bytes for which no credit has gone
        std::string bytes;  // a sink's, not delivered
    };

    // An empty pipe, for what is on its way to the link.
    struct Transit {
        int from;
        int into;
    };
    // `raw`: bytes of a frame whose beginning JavaScript has; `first`: what it has not sent of one, or of
    // more.
    RelayLink(int in, int out, Transit transit, std::shared_ptr<Vigil::Voice> voice,
              std::shared_ptr<Vigil::Signs> signs, size_t raw, std::string first);

    // -- from JavaScript
    // Sends after all that waits. Returns what waits then; `news` has `room` once nothing does, if anything
    // did.
    size_t send(const char *data, size_t size);
    void add(Source source);
    bool credit(Name name, uint64_t count);
    Rest end_source(Name name);
    // 0, or -EAGAIN while JavaScript has not taken all that came before; it is hushed then.
    int add(Sink sink);
    // Nothing more is read from the next frame on, until `go`; `news` has `quiet` when so.
    void hush();
    void go();
    const Sink *sink(Name name) const;
    Rest end_sink(Name name);
    // Nothing streams, and both directions are between two frames.
    bool idle() const;
    int64_t heard_us() const { return heard_us_; }
    bool has_news() const { return !inbox.empty() || !news.empty(); }

    // Frames for JavaScript, and what it should know.
    std::string inbox;
    std::vector<News> news;

    // -- from the thread
    struct Wait {
        pollfd fd;
        bool *ready;
    };
    // What to wait for; microseconds until something is to be done anyway are lowered in `timeout_us`.
    void waits(std::vector<Wait> &waits, int64_t now_us, int64_t &timeout_us);
    // Does what can be done at once, with all that is ready.
    void step(int64_t now_us);

  private:
    enum class State { header, raw, credit, sink };

    Source *find_source(Name name);
    Sink *find_sink(Name name);
    bool can_begin() const;
    void flush();
    void serve_sources(int64_t now_us);
    bool serve(Source &source, int64_t now_us);
    void read_in();
    void heard();
    ssize_t read_some(char *into, size_t size);
    void look_quiet();
    bool header();
    bool payload();
    bool move(Sink &sink);
    bool copy(Sink &sink);
    void deliver(Sink &sink);
    size_t write_to(Sink &sink, const char *data, size_t size);
    void arrived(Sink &sink, size_t count);
    void delivered(Sink &sink, size_t count);
    void finish(int error);

    const int in_;
    const int out_;
    const Transit transit_;
    const std::shared_ptr<Vigil::Voice> voice_;
    const std::shared_ptr<Vigil::Signs> signs_;
    std::list<Source> sources_;
    std::list<Sink> sinks_;
    bool over_ = false;

    // Outgoing: first the head of the frame whose payload is in transit, then that, then what came later.
    std::string head_;
    size_t in_transit_ = 0;
    std::string later_;
    size_t later_from_ = 0;
    bool out_ready_ = true;
    bool blocked_ = false;
    bool room_wanted_ = false;

    // Incoming.
    State state_;
    size_t left_;
    char begun_[12];
    size_t got_ = 0;
    bool in_ready_ = false;
    bool hushed_ = false;
    bool quiet_ = false;
    int64_t heard_us_;
    // Whose payload comes.
    Name due_{0, 0};
};

int64_t monotonic_us();

#endif
