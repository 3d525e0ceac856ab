// Terminals: their settings and size as bytes that go over the wire as they are, and new ones.
#ifndef PANTS_ADDON_TERMINAL_H
#define PANTS_ADDON_TERMINAL_H
#include <cstddef>

// The kernel's struct termios, then its struct winsize.
constexpr size_t kTerminalSize = 36 + 8;
constexpr size_t kWindowAt = 36;

// 0, or -errno.
int terminal_read(int fd, char (&state)[kTerminalSize]);
int terminal_write(int fd, const char *settings);
int window_write(int fd, const char *window);

// A new terminal with these settings and this size: master (non-blocking) and slave, close-on-exec. 0, or
// -errno.
int terminal_open(const char *state, int &master, int &slave);

#endif
