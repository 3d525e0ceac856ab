/* vforks FILE THREADS RUNS: that many threads start FILE (execve after vfork, every eighth time a missing
 * file) while as many others allocate and free. Prints the number of runs; heap and globals must be whole
 * afterwards. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;
static const char *file;
static atomic_int left;
static atomic_bool over;
static int bad;

static void *starter(void *unused) {
    (void)unused;
    char *argv[] = {(char *)file, "--quiet", NULL};
    for (int n; (n = atomic_fetch_sub(&left, 1)) > 0;) {
        const char *wanted = n % 8 == 0 ? "/nonexistent/program" : file;
        int status;
        errno = 0;
        pid_t pid = vfork();
        if (pid == 0) {
            execve(wanted, argv, environ);
            _exit(errno == ENOENT ? 55 : 56);
        }
        if (waitpid(pid, &status, 0) != pid || status != (n % 8 == 0 ? 55 << 8 : 0)) bad++;
    }
    return NULL;
}

static void *allocator(void *unused) {
    (void)unused;
    while (!over) {
        char *blocks[64];
        for (int i = 0; i < 64; i++) {
            size_t size = (size_t)(i * 97 % 4000 + 1);
            blocks[i] = malloc(size);
            memset(blocks[i], i, size);
        }
        for (int i = 0; i < 64; i++) {
            if (blocks[i][0] != (char)i) bad++;
            free(blocks[i]);
        }
        usleep(200); /* leaves the processors to the starters */
    }
    return NULL;
}

int main(int argc, char **argv) {
    enum { MAX = 16 };
    pthread_t starters[MAX], allocators[MAX];
    if (argc != 4) return 2;
    file = argv[1];
    int threads = atoi(argv[2]), runs = atoi(argv[3]);
    if (threads > MAX) return 2;
    left = runs;
    for (int i = 0; i < threads; i++) {
        pthread_create(&starters[i], NULL, starter, NULL);
        pthread_create(&allocators[i], NULL, allocator, NULL);
    }
    for (int i = 0; i < threads; i++)
        pthread_join(starters[i], NULL);
    over = true;
    for (int i = 0; i < threads; i++)
        pthread_join(allocators[i], NULL);
    printf("runs %d bad %d\n", runs, bad);
    return bad != 0;
}
