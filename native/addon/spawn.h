// Starting a program without copying this process, whatever its size.
#ifndef PANTS_ADDON_SPAWN_H
#define PANTS_ADDON_SPAWN_H
#include <cstdint>
#include <string>
#include <sys/types.h>
#include <vector>

struct pants_table;

// The kernel's struct rlimit64; ~0 = unlimited.
struct Limit {
    uint64_t soft;
    uint64_t hard;
};

constexpr size_t kDescriptorsMax = 256;

// As SpawnOptions in src/io/native.ts.
struct SpawnRequest {
    std::string path;
    std::vector<std::string> argv;
    std::vector<std::string> env;
    std::string cwd;
    mode_t umask = 022;
    std::vector<int> fds; // becomes descriptor i; -1 = closed there; at most kDescriptorsMax
    bool session = false;
    int terminal = -1; // descriptor of the program that becomes the session's terminal
    bool death_signal = false;
    uint64_t ignored = 0;
    uint64_t blocked = 0;
    int nice = 0;
    // As ioprio_set(2) takes it; 0 = as it comes.
    int io_priority = 0;
    std::vector<Limit> limits;
    // A pending slot of ours, or -1: becomes the program's before its first instruction, and free if there is
    // none.
    int slot = -1;
    pants_table *table = nullptr;
    // SCHED_BATCH or SCHED_IDLE; 0 = as it comes.
    int policy = 0;
    // A descriptor that keeps its number in the program, above 2; -1 = none.
    int report = -1;
};

// The pid of the running program, or -errno of the step that failed, in which case nothing is left of it.
pid_t spawn(const SpawnRequest &request);

// As enum relation in native/prex/prex.h.
enum class Leads { nothing = 0, group = 1, session = 2 };

struct Held {
    pid_t program; // or -errno; then the rest means nothing
    pid_t holder;  // our child, which leads the session and ends as the program ends
    int report;    // from the holder: int32 for each signal that stopped the program; non-blocking
};

// The same below a holder (native/prex/hold.c), the program `prex` at this path.
Held spawn_held(SpawnRequest request, const std::string &prex, Leads leads);

#endif
