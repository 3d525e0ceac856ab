/* The caller's terminal while an interactive program runs elsewhere: it passes every byte on, since the
 * terminal over there edits lines, echoes and makes signals of keys. It is as it was whenever the program is
 * stopped or over. */
#include "prex.h"
#include <signal.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

static struct termios found;
static bool passing;

static bool same_terminal(int a, int b) {
    struct stat x, y;
    return isatty(a) && isatty(b) && fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_rdev == y.st_rdev;
}

/* A shell's job in the foreground. Not one of make's, say: others of its group need the terminal as it is. */
bool terminal_is_ours(void) {
    return same_terminal(0, 1) && getpgrp() == getpid() && tcgetpgrp(0) == getpgrp();
}

void terminal_pass(void) {
    if (passing || !terminal_is_ours() || tcgetattr(0, &found) != 0) return;
    struct termios raw = found;
    cfmakeraw(&raw);
    passing = tcsetattr(0, TCSADRAIN, &raw) == 0;
}

void terminal_restore(void) {
    if (!passing) return;
    passing = false;
    tcsetattr(0, TCSADRAIN, &found);
}
