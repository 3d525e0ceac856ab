/* Paths that nothing can be read from: prints what each call answers. The kernel says EFAULT; nobody may
 * look. */
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdint.h>
#include <unistd.h>

int main(void) {
    char *argv[] = {"x", NULL};
    const char *volatile nothing = NULL;
    const char *volatile high = (const char *)UINTPTR_MAX, *volatile low = (const char *)16;
    pid_t pid;
    execve(high, argv, argv);
    printf("%d ", errno);
    execve(nothing, argv, argv);
    printf("%d ", errno);
    execv(low, argv);
    printf("%d ", errno);
    printf("%d\n", posix_spawn(&pid, high, NULL, NULL, argv, argv));
    return 0;
}
