/* What an instrumented prex has besides its own parts. It is linked dynamically, so the libprex.so in the caller's
 * LD_PRELOAD would stand before its execve, as it never does before a static program's: the call is made here. And its
 * options are here, since the environment is the program's that it stands in for. */
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int execve(const char *path, char *const argv[], char *const envp[]) {
    return (int)syscall(SYS_execve, path, argv, envp);
}

const char *__asan_default_options(void);
const char *__asan_default_options(void) {
    return "detect_leaks=0:handle_sigill=1:log_path=" REPORTS;
}

/* `prex --address` and `prex --undefined`: a fault each, so that a run can see that one would be reported. */
__attribute__((constructor)) static void speak(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "--undefined") == 0) exit(argc << (argc * 31));
    if (argc != 2 || strcmp(argv[1], "--address") != 0) return;
    char *small = calloc((size_t)argc, 1);
    exit(*strcpy(small, argv[1]));
}
