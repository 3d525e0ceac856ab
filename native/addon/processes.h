// A look at all processes that /proc shows.
#ifndef PANTS_ADDON_PROCESSES_H
#define PANTS_ADDON_PROCESSES_H
#include <sys/types.h>
#include <vector>

struct Process {
    pid_t pid;
    pid_t parent;
    pid_t session;
    char state; // as ps shows it: 'Z' has ended and was not waited for
};

// In no order; not atomic: processes come and go meanwhile.
std::vector<Process> processes();

#endif
