/* Preloaded behind libprex.so: the "real" execve, which jumps back into the bench, so that the shim's share
 * of an exec that succeeds is timed, and nothing else. */
#include <setjmp.h>

extern jmp_buf stop_point;

int execve(const char *path, char *const argv[], char *const envp[]) {
    (void)path, (void)argv, (void)envp;
    longjmp(stop_point, 1);
}
