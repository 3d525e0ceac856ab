// The processes below us: their ends, their stops, and those that nobody waits for.
#ifndef PANTS_ADDON_CHILDREN_H
#define PANTS_ADDON_CHILDREN_H
#include <sys/resource.h>
#include <sys/types.h>
#include <unordered_set>

struct End {
    int status; // raw wait status; -1: somebody else has reaped it
    rusage usage;
};

class Children {
  public:
    void add(pid_t pid) { ours_.insert(pid); }

    // True once the child has ended; it is reaped then.
    bool reap(pid_t pid, End &end);

    // Reaps ended children that were reparented to us, and leaves alone those that we started and those in
    // `others` (which libuv waits for). Returns how many.
    int reap_orphans(const std::unordered_set<pid_t> &others);

  private:
    std::unordered_set<pid_t> ours_;
};

// A pidfd (readable when the process has ended) of a child of ours, or -errno.
int open_child(pid_t pid);

// The child's latest change that was not told before: its stop signal, -1 for going on, 0 for none.
int stop_state(pid_t pid);

// Signals all processes of session `sid` and all their descendants, as far as /proc shows them. Before
// SIGKILL they are stopped, one after the other until no new ones appear and all stand still: none can fork
// on, or see another one die; then they are killed until a look shows nobody else, the leader last.
// `leader_too`: also the leader. Returns how many.
int kill_session(pid_t sid, int signal, bool leader_too);

#endif
