// Two ends of a link carried by the relay's thread while this one, as JavaScript does, fills and empties the pipes, sends small frames and
// takes what came: for ThreadSanitizer. Then a link whose other end sends what it likes. Prints how much went; a broken promise
// ends it with a line.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

#include "../../../native/addon/relay.cc"
#include "../../../native/addon/relay_link.cc"
#include "../../../native/addon/vigil.cc"

namespace {

constexpr uint32_t kStreams = 3;
constexpr uint64_t kBytes = 8 << 20;
constexpr uint64_t kWindow = 1 << 20;
constexpr int kRounds = 300;

[[noreturn]] void broken(const char *what) {
    printf("broken: %s\n", what);
    _exit(1);
}

struct Pipe {
    int from = -1;
    int into = -1;
    Pipe() {
        int ends[2];
        if (pipe2(ends, O_NONBLOCK | O_CLOEXEC) < 0) broken("no pipe");
        from = ends[0];
        into = ends[1];
    }
    ~Pipe() {
        ::close(from);
        ::close(into);
    }
    Pipe(const Pipe &) = delete;
    Pipe &operator=(const Pipe &) = delete;
};

char byte_at(uint32_t stream, uint64_t at) {
    return static_cast<char>((at * 2654435761u) >> 16 ^ stream ^ at);
}

struct Job {
    Pipe program, caller;
    uint64_t written = 0;
    uint64_t read = 0;
};

void fill(uint32_t stream, Job &job) {
    char bytes[4096];
    size_t count = 0;
    for (; count < sizeof bytes && job.written + count < kBytes; count++)
        bytes[count] = byte_at(stream, job.written + count);
    const ssize_t n = write(job.program.into, bytes, count);
    if (n > 0) job.written += static_cast<uint64_t>(n);
}

void empty(uint32_t stream, Job &job) {
    char bytes[16384];
    const ssize_t n = read(job.caller.from, bytes, sizeof bytes);
    for (ssize_t i = 0; i < n; i++, job.read++)
        if (bytes[i] != byte_at(stream, job.read)) broken("not what was sent");
}

RelayLink::Transit transit(const Pipe &pipe) {
    return {pipe.from, pipe.into};
}

void streams() {
    Relay relay;
    if (relay.start() < 0) broken("no thread");
    Vigil vigil;
    Pipe there, back, transit1, transit2;
    std::vector<std::unique_ptr<Job>> jobs(kStreams);
    vigil.join(there.into, "PING", 100);
    const int home = relay.open(std::make_unique<RelayLink>(back.from, there.into, transit(transit1), vigil.voice(there.into),
                                                            vigil.signs(), 0, ""));
    const int agent = relay.open(
        std::make_unique<RelayLink>(there.from, back.into, transit(transit2), nullptr, vigil.signs(), 0, ""));
    for (uint32_t i = 0; i < kStreams; i++) {
        jobs[i] = std::make_unique<Job>();
        const RelayLink::Name name{i + 1, 1};
        relay.with(home, true, [&](RelayLink &link) {
            RelayLink::Sink sink{name, jobs[i]->caller.into, kWindow, 64 << 10, 0};
            if (link.add(std::move(sink)) != 0) broken("no sink");
        });
        relay.with(agent, true, [&](RelayLink &link) {
            link.add(RelayLink::Source{name, jobs[i]->program.from, -1, kWindow, kWindow});
        });
    }
    uint64_t sent = 0, came = 0;
    const std::string small = header_of(1, {0, 0}, 5) + "small";
    for (bool more = true; more;) {
        more = false;
        for (uint32_t i = 0; i < kStreams; i++) {
            fill(i, *jobs[i]);
            empty(i, *jobs[i]);
            more = more || jobs[i]->read < kBytes;
        }
        vigil.tick();
        relay.with(agent, false, [&](RelayLink &link) { link.send(small.data(), small.size()); });
        relay.with(agent, true, [](RelayLink &) {});
        sent += small.size();
        relay.with(home, true, [&](RelayLink &link) {
            came += link.inbox.size();
            link.inbox.clear();
            link.news.clear();
            for (uint32_t i = 0; i < kStreams; i++)
                if (link.sink({i + 1, 1})->stashed() > kWindow) broken("more waits than was allowed");
        });
    }
    while (came < sent) {
        relay.with(home, true, [&](RelayLink &link) {
            came += link.inbox.size();
            link.inbox.clear();
        });
    }
    printf("%u streams of %llu bytes, %llu bytes of small frames between them\n", kStreams,
           static_cast<unsigned long long>(kBytes), static_cast<unsigned long long>(came));
    relay.close(home);
    relay.close(agent);
    vigil.leave(there.into);
}

// Frames that are nearly right, cut anywhere.
std::string nonsense() {
    std::string bytes;
    for (int i = rand() % 30; i > 0; i--) {
        const uint8_t types[] = {kData, kCredit, 1, static_cast<uint8_t>(rand())};
        const size_t lengths[] = {4, 0, static_cast<size_t>(rand() % 300000), static_cast<size_t>(rand())};
        const size_t length = lengths[rand() % 4];
        bytes += header_of(types[rand() % 4], {static_cast<uint32_t>(rand() % 3), rand() % 3}, length);
        bytes.append(std::min<size_t>(length, static_cast<size_t>(rand() % 100000)), static_cast<char>(rand()));
    }
    return bytes;
}

void hostile() {
    Relay relay;
    relay.start();
    Vigil vigil;
    uint64_t ended = 0, total = 0;
    for (int round = 0; round < kRounds; round++) {
        Pipe in, out, through, from, to;
        const int link = relay.open(
            std::make_unique<RelayLink>(in.from, out.into, transit(through), nullptr, vigil.signs(), 0, ""));
        const auto add = [&](RelayLink &one) {
            one.add(RelayLink::Sink{{1, 1}, to.into, kWindow, 64 << 10, 0});
            one.add(RelayLink::Source{{1, 0}, from.from, -1, kWindow, kWindow});
        };
        relay.with(link, true, add);
        const std::string bytes = nonsense();
        bool over = false;
        for (size_t at = 0, idle = 0; idle < 50 && !over;) {
            const ssize_t n = write(in.into, bytes.data() + at, bytes.size() - at);
            at += n > 0 ? static_cast<size_t>(n) : 0;
            idle = n > 0 ? 0 : idle + 1;
            relay.with(link, true, [&](RelayLink &one) {
                for (const auto &news : one.news)
                    over = over || news.what == RelayLink::What::over;
                if (const auto *sink = one.sink({1, 1}); sink != nullptr && sink->stashed() > kWindow)
                    broken("more waits than was allowed");
                one.inbox.clear();
                one.news.clear();
                if (rand() % 5 == 0) one.hush();
                if (rand() % 3 == 0) one.go();
                if (rand() % 20 == 0) {
                    one.end_sink({1, 1});
                    one.end_source({1, 0});
                    add(one);
                }
            });
        }
        ended += over;
        total += bytes.size();
        relay.close(link);
    }
    printf("%llu bytes of nonsense over %d links, %llu of which ended\n", static_cast<unsigned long long>(total), kRounds,
           static_cast<unsigned long long>(ended));
}

} // namespace

int main() {
    srand(1);
    streams();
    hostile();
    usleep(100000); // the threads end
    return 0;
}
