/* intr THOUSANDS N: waits for so many interrupts of a timer, 5,000 a second. */
#include <stdint.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include "child.h"

enum { PERIOD_NS = 200 * 1000 };

int main(int argc, char **argv) {
    if (argc < 2) return 2;
    long wanted = (long)(number(argv[1]) * 1000);
    int timer = timerfd_create(CLOCK_MONOTONIC, 0);
    struct itimerspec each = {{0, PERIOD_NS}, {0, PERIOD_NS}};
    if (timer < 0 || timerfd_settime(timer, 0, &each, NULL) != 0) die("timer");
    double began = now_s(CLOCK_REALTIME);
    /* Each time counts once, however many expirations it stands for: one that came too late was no interrupt
     * more. */
    for (long i = 0; i < wanted; i++) {
        uint64_t expirations;
        if (read(timer, &expirations, sizeof expirations) != sizeof expirations) die("timer");
    }
    report(began, (double)wanted, "interrupts");
    return 0;
}
