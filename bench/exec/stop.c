/* Preloaded behind libprex.so: the "real" execve, which returns at once, so that only the shim's share is
 * timed. */
#include <errno.h>

int execve(const char *path, char *const argv[], char *const envp[]) {
    (void)path, (void)argv, (void)envp;
    errno = ENOEXEC;
    return -1;
}
