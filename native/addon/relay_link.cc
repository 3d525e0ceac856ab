// See relay_link.h.
#include "relay_link.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace {

constexpr size_t kHeader = 12;
constexpr uint8_t kData = 48;
constexpr uint8_t kCredit = 50;
// MOVED_MAX in src/mux/frame.ts: the largest payload of DATA.
constexpr size_t kMost = 256 << 10;
// Read from a link, or sent of one source, before others get their turn.
constexpr size_t kRound = 256 << 10;
// Of what JavaScript does not take.
constexpr size_t kInboxMost = 1 << 20;
// A program that writes less at a time is looked at after a moment: woken for each few bytes, whoever reads
// them at the other end of the link would be, too.
constexpr size_t kLittle = 16 << 10;
constexpr int64_t kMomentUs = 100;
constexpr unsigned kMove = SPLICE_F_NONBLOCK | SPLICE_F_MOVE;

uint32_t u32_at(const char *bytes) {
    const auto *b = reinterpret_cast<const unsigned char *>(bytes);
    return b[0] | uint32_t{b[1]} << 8 | uint32_t{b[2]} << 16 | uint32_t{b[3]} << 24;
}

void put_u32(char *bytes, uint32_t value) {
    for (int i = 0; i < 4; i++)
        bytes[i] = static_cast<char>(value >> (8 * i));
}

// As src/mux/encode.ts has it.
std::string header_of(uint8_t type, RelayLink::Name name, size_t length) {
    std::string header(kHeader, '\0');
    header[0] = static_cast<char>(type);
    header[1] = static_cast<char>(name.fd);
    put_u32(&header[4], name.stream);
    put_u32(&header[8], static_cast<uint32_t>(length));
    return header;
}

size_t readable(int fd) {
    int bytes = 0;
    return ioctl(fd, FIONREAD, &bytes) == 0 && bytes > 0 ? static_cast<size_t>(bytes) : 0;
}

template <typename List> auto *find_in(List &list, RelayLink::Name name) {
    const auto found = std::find_if(list.begin(), list.end(), [&](auto &one) { return one.name == name; });
    return found == list.end() ? nullptr : &*found;
}

} // namespace

int64_t monotonic_us() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return int64_t{now.tv_sec} * 1000000 + now.tv_nsec / 1000;
}

RelayLink::RelayLink(int in, int out, Transit transit, std::shared_ptr<Vigil::Voice> voice,
                     std::shared_ptr<Vigil::Signs> signs, size_t raw, std::string first)
    : in_(in), out_(out), transit_(transit), voice_(std::move(voice)), signs_(std::move(signs)),
      later_(std::move(first)), state_(raw > 0 ? State::raw : State::header), left_(raw),
      heard_us_(monotonic_us()) {
    room_wanted_ = !later_.empty();
    flush();
}

// -- from JavaScript

size_t RelayLink::send(const char *data, size_t size) {
    later_.append(data, size);
    if (!blocked_) flush();
    const size_t waiting = head_.size() + in_transit_ + later_.size() - later_from_;
    room_wanted_ = waiting > 0;
    return waiting;
}

void RelayLink::add(Source source) {
    sources_.push_back(source);
}

bool RelayLink::credit(Name name, uint64_t count) {
    Source *source = find_source(name);
    if (source == nullptr) return true;
    if (source->allowance + count > source->most) return false;
    source->allowance += count;
    source->ready = true;
    return true;
}

RelayLink::Rest RelayLink::end_source(Name name) {
    const Source *source = find_source(name);
    if (source == nullptr) return {0, 0, {}};
    Rest rest{source->moved, source->allowance, {}};
    sources_.remove_if([&](const Source &one) { return one.name == name; });
    return rest;
}

int RelayLink::add(Sink sink) {
    if (!inbox.empty() || state_ == State::raw) {
        hush();
        return -EAGAIN;
    }
    struct stat st;
    sink.file = fstat(sink.to, &st) == 0 && !S_ISFIFO(st.st_mode);
    sinks_.push_back(std::move(sink));
    return 0;
}

void RelayLink::hush() {
    hushed_ = true;
    look_quiet();
}

void RelayLink::go() {
    hushed_ = quiet_ = false;
}

void RelayLink::look_quiet() {
    if (!hushed_ || quiet_ || state_ != State::header) return;
    quiet_ = true;
    news.push_back({What::quiet, {0, 0}, 0});
}

const RelayLink::Sink *RelayLink::sink(Name name) const {
    return find_in(sinks_, name);
}

RelayLink::Rest RelayLink::end_sink(Name name) {
    Sink *sink = find_sink(name);
    if (sink == nullptr) return {0, 0, {}};
    Rest rest{sink->delivered, sink->owed, sink->stash.substr(sink->stashed_from)};
    sinks_.remove_if([&](const Sink &one) { return one.name == name; });
    if (state_ == State::sink && due_ == name) {
        // What is still to come of this payload is a frame for JavaScript.
        inbox += header_of(kData, name, left_);
        state_ = State::raw;
    }
    return rest;
}

bool RelayLink::idle() const {
    return sources_.empty() && sinks_.empty() && inbox.empty() && news.empty() && state_ == State::header &&
           got_ == 0 && head_.empty() && in_transit_ == 0 && later_.size() == later_from_ && !over_;
}

// -- from the thread

void RelayLink::waits(std::vector<Wait> &waits, int64_t now_us, int64_t &timeout_us) {
    in_ready_ = out_ready_ = false;
    if (over_) return;
    if (inbox.size() < kInboxMost && !quiet_) waits.push_back({{in_, POLLIN, 0}, &in_ready_});
    if (blocked_) waits.push_back({{out_, POLLOUT, 0}, &out_ready_});
    for (Sink &sink : sinks_) {
        sink.ready = false;
        if (sink.stashed() > 0 && !sink.off) waits.push_back({{sink.to, POLLOUT, 0}, &sink.ready});
    }
    if (!can_begin()) return;
    for (Source &source : sources_) {
        if (source.over || source.allowance == 0) continue;
        const int64_t wait = source.not_before_us - now_us;
        if (wait > 0 || source.ready || source.at >= 0)
            timeout_us = std::min(timeout_us, std::max<int64_t>(wait, 0));
        else
            waits.push_back({{source.from, POLLIN, 0}, &source.ready});
    }
}

void RelayLink::step(int64_t now_us) {
    if (over_) return;
    for (Sink &sink : sinks_) {
        if (sink.ready && sink.stashed() > 0) deliver(sink);
    }
    if (in_ready_) read_in();
    if (out_ready_) {
        blocked_ = false;
        flush();
    }
    serve_sources(now_us);
}

RelayLink::Source *RelayLink::find_source(Name name) {
    return find_in(sources_, name);
}

RelayLink::Sink *RelayLink::find_sink(Name name) {
    return find_in(sinks_, name);
}

void RelayLink::finish(int error) {
    if (over_) return;
    over_ = true;
    news.push_back({What::over, {0, 0}, error});
}

// -- outgoing

bool RelayLink::can_begin() const {
    return !over_ && !blocked_ && head_.empty() && in_transit_ == 0 && later_.size() == later_from_;
}

void RelayLink::flush() {
    if (over_ || can_begin()) return;
    if (voice_) voice_->hold();
    while (!over_) {
        ssize_t n;
        if (!head_.empty()) {
            n = write(out_, head_.data(), head_.size());
            if (n > 0) head_.erase(0, static_cast<size_t>(n));
        } else if (in_transit_ > 0) {
            n = splice(transit_.from, nullptr, out_, nullptr, in_transit_, kMove);
            if (n > 0) in_transit_ -= static_cast<size_t>(n);
        } else if (later_from_ < later_.size()) {
            n = write(out_, &later_[later_from_], later_.size() - later_from_);
            if (n > 0) later_from_ += static_cast<size_t>(n);
        } else {
            later_.clear();
            later_from_ = 0;
            break;
        }
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno == EAGAIN) {
            blocked_ = true;
            return;
        }
        if (n <= 0) {
            finish(n < 0 ? errno : EPIPE);
            return;
        }
    }
    if (voice_ && !over_) voice_->release();
    if (room_wanted_) news.push_back({What::room, {0, 0}, 0});
    room_wanted_ = false;
}

// One frame of each in turn; whoever had its turn is behind the others.
void RelayLink::serve_sources(int64_t now_us) {
    size_t sent = 0;
    for (size_t in_vain = 0; in_vain < sources_.size() && sent < kRound && can_begin();) {
        Source &source = sources_.front();
        const uint64_t before = source.moved;
        in_vain = serve(source, now_us) ? 0 : in_vain + 1;
        sent += source.moved - before;
        sources_.splice(sources_.end(), sources_, sources_.begin());
    }
}

// False: not now, or no more.
bool RelayLink::serve(Source &source, int64_t now_us) {
    if (source.over || source.allowance == 0 || source.not_before_us > now_us) return false;
    if (!source.ready && source.at < 0) return false;
    const size_t count = std::min<uint64_t>(source.allowance, kMost);
    loff_t at = source.at;
    signs_->at_file = source.at >= 0;
    const ssize_t n =
        splice(source.from, source.at < 0 ? nullptr : &at, transit_.into, nullptr, count, kMove);
    signs_->at_file = false;
    if (n < 0 && errno == EINTR) return true;
    if (n < 0 && errno == EAGAIN) {
        source.ready = false;
        return false;
    }
    if (n <= 0) {
        source.over = true;
        news.push_back({What::ended, source.name, n < 0 ? errno : 0});
        return false;
    }
    if (source.at >= 0) source.at = at;
    source.moved += static_cast<uint64_t>(n);
    source.allowance -= static_cast<uint64_t>(n);
    if (source.at < 0 && static_cast<size_t>(n) < kLittle) source.not_before_us = now_us + kMomentUs;
    head_ = header_of(kData, source.name, static_cast<size_t>(n));
    in_transit_ = static_cast<size_t>(n);
    flush();
    return true;
}

// -- incoming

void RelayLink::read_in() {
    for (size_t went = 0; went < kRound && !over_ && !quiet_ && inbox.size() < kInboxMost;) {
        const bool begins = state_ == State::header;
        const size_t left = left_;
        if (!(begins ? header() : payload())) return;
        went += begins ? kHeader : left - left_;
        look_quiet();
    }
}

void RelayLink::heard() {
    heard_us_ = monotonic_us();
    signs_->heard_ms = heard_us_ / 1000;
}

// Bytes that came; 0: none now, or none any more.
ssize_t RelayLink::read_some(char *into, size_t size) {
    const ssize_t n = read(in_, into, size);
    if (n > 0) {
        heard();
        return n;
    }
    if (n == 0) finish(0);
    if (n < 0 && errno != EAGAIN && errno != EINTR) finish(errno);
    return 0;
}

// False: no more for now.
bool RelayLink::header() {
    const ssize_t n = read_some(begun_ + got_, kHeader - got_);
    if (n <= 0) return false;
    got_ += static_cast<size_t>(n);
    if (got_ < kHeader) return true;
    got_ = 0;
    const auto type = static_cast<uint8_t>(begun_[0]);
    due_ = {u32_at(begun_ + 4), static_cast<uint8_t>(begun_[1])};
    left_ = u32_at(begun_ + 8);
    const bool plain = begun_[2] == 0 && begun_[3] == 0;
    if (type == kData && plain && left_ > 0 && left_ <= kMost && find_sink(due_) != nullptr) {
        state_ = State::sink;
    } else if (type == kCredit && plain && left_ == 4 && find_source(due_) != nullptr) {
        state_ = State::credit;
    } else {
        inbox.append(begun_, kHeader);
        state_ = left_ > 0 ? State::raw : State::header;
    }
    return true;
}

// The same.
bool RelayLink::payload() {
    if (state_ == State::sink) {
        Sink *sink = find_sink(due_); // it is there: end_sink sees to it
        const bool past = !sink->file && !sink->off && sink->stashed() == 0;
        if (!(past ? move(*sink) : copy(*sink))) return false;
    } else {
        char bytes[16 << 10];
        const ssize_t n = read_some(bytes, std::min(left_, sizeof bytes));
        if (n <= 0) return false;
        left_ -= static_cast<size_t>(n);
        if (state_ == State::raw) {
            inbox.append(bytes, static_cast<size_t>(n));
        } else {
            memcpy(begun_ + 8 + got_, bytes, static_cast<size_t>(n));
            got_ += static_cast<size_t>(n);
        }
    }
    if (left_ > 0 || over_) return true;
    if (state_ == State::credit) {
        got_ = 0;
        const uint32_t count = u32_at(begun_ + 8);
        if (find_source(due_) == nullptr) {
            inbox += header_of(kCredit, due_, 4);
            inbox.append(begun_ + 8, 4);
        } else if (!credit(due_, count)) {
            finish(EPROTO);
        }
    }
    state_ = State::header;
    return true;
}

bool RelayLink::move(Sink &sink) {
    const ssize_t n = splice(in_, nullptr, sink.to, nullptr, left_, kMove);
    if (n > 0) {
        left_ -= static_cast<size_t>(n);
        heard();
        arrived(sink, static_cast<size_t>(n));
        delivered(sink, static_cast<size_t>(n));
        return !over_;
    }
    if (n == 0) {
        finish(0);
        return false;
    }
    // Nothing has come; or the other one does not take it, or not this way, which the ordinary one tells.
    if (errno == EAGAIN && readable(in_) == 0) return false;
    return copy(sink);
}

// By way of memory: so also into files. splice(2) holds the pipe that it reads as long as it writes, and a
// file server that does not answer would keep ssh, which fills that pipe, from saying that we live.
bool RelayLink::copy(Sink &sink) {
    static thread_local std::vector<char> bytes(64 << 10);
    const ssize_t n = read_some(bytes.data(), std::min(left_, bytes.size()));
    if (n <= 0) return false;
    const auto count = static_cast<size_t>(n);
    left_ -= count;
    arrived(sink, count);
    const size_t gone = sink.off || sink.stashed() > 0 ? 0 : write_to(sink, bytes.data(), count);
    sink.stash.append(&bytes[gone], count - gone);
    return !over_;
}

// What is in the stash.
void RelayLink::deliver(Sink &sink) {
    sink.stashed_from += write_to(sink, &sink.stash[sink.stashed_from], sink.stashed());
    if (sink.stashed() > 0 && sink.stashed_from < kMost) return;
    sink.stash.erase(0, sink.stashed_from);
    sink.stashed_from = 0;
}

size_t RelayLink::write_to(Sink &sink, const char *data, size_t size) {
    signs_->at_file = sink.file;
    const ssize_t n = write(sink.to, data, size);
    signs_->at_file = false;
    if (n < 0 && errno != EAGAIN && errno != EINTR) {
        sink.off = true;
        news.push_back({What::off, sink.name, errno});
    }
    if (n <= 0) return 0;
    delivered(sink, static_cast<size_t>(n));
    return static_cast<size_t>(n);
}

void RelayLink::arrived(Sink &sink, size_t count) {
    if (sink.stashed() + sink.owed + count > sink.size) finish(EPROTO);
}

void RelayLink::delivered(Sink &sink, size_t count) {
    sink.delivered += count;
    sink.owed += count;
    // What is not sent now goes with what is delivered next.
    if (sink.owed < sink.batch || over_ || later_.size() - later_from_ > kRound) return;
    std::string frame = header_of(kCredit, sink.name, 4);
    frame.resize(kHeader + 4);
    put_u32(&frame[kHeader], static_cast<uint32_t>(sink.owed));
    sink.owed = 0;
    later_ += frame;
    if (!blocked_) flush();
}
