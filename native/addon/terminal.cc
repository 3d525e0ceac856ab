// See terminal.h. The kernel's own calls, because libc's struct termios is another one.
#include "terminal.h"

#include <asm/termbits.h>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

static_assert(sizeof(struct termios) == kWindowAt, "as the kernel's");

int terminal_read(int fd, char (&state)[kTerminalSize]) {
    return ioctl(fd, TCGETS, state) < 0 || ioctl(fd, TIOCGWINSZ, state + kWindowAt) < 0 ? -errno : 0;
}

int terminal_write(int fd, const char *settings) {
    return ioctl(fd, TCSETS, settings) < 0 ? -errno : 0;
}

int window_write(int fd, const char *window) {
    return ioctl(fd, TIOCSWINSZ, window) < 0 ? -errno : 0;
}

int terminal_open(const char *state, int &master, int &slave) {
    const int unlocked = 0;
    master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (master < 0) return -errno;
    if (ioctl(master, TIOCSPTLCK, &unlocked) == 0) {
        slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
        if (slave >= 0 && terminal_write(slave, state) == 0 && window_write(slave, state + kWindowAt) == 0)
            return 0;
    }
    const int error = -errno;
    if (slave >= 0) close(slave);
    close(master);
    return error;
}
