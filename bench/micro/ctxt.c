/* ctxt THOUSANDS N: two processes hand a byte back and forth, so that each time the kernel switches between
 * them. */
#include <sys/wait.h>
#include <unistd.h>
#include "child.h"

static void pass(int from, int to, long times) {
    char byte = 'x';
    for (long i = 0; i < times; i++)
        if (read(from, &byte, 1) != 1 || write(to, &byte, 1) != 1) die("pipe");
}

int main(int argc, char **argv) {
    if (argc < 2) return 2;
    long times = (long)(number(argv[1]) * 1000 / 2);
    int there[2], back[2];
    if (pipe(there) != 0 || pipe(back) != 0) die("pipe");
    double began = now_s(CLOCK_REALTIME);
    pid_t other = fork();
    if (other < 0) die("fork");
    if (other == 0) {
        pass(there[0], back[1], times);
        _exit(0);
    }
    if (write(there[1], "x", 1) != 1) die("pipe");
    pass(back[0], there[1], times - 1);
    char last;
    if (read(back[0], &last, 1) != 1) die("pipe");
    int status;
    waitpid(other, &status, 0);
    report(began, 2.0 * (double)times, "switches");
    return status == 0 ? 0 : 1;
}
