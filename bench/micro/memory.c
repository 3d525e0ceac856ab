/* The memory test (paper, 3.2): takes memory, maps a section of its own into it, touches all, and frees it,
 * TIMES times. memory make MB CHILDREN    makes the sections, a file for each child, unless they are there
 *   memory use MB TIMES N      N is the child's number, from 1
 * The paper's hosts had no 100 MB free, so that pages came from the disk by way of swap. Here the section is
 * not in memory when it is mapped, so that they come from the disk in any case, a page at a time. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <malloc.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "child.h"

static size_t page;

static void section(char *to, double mb, int child) {
    snprintf(to, PATH_MAX, "%s/section-%g-%d", scratch(), mb, child);
}

static void make(double mb, int child) {
    char path[PATH_MAX], unfinished[PATH_MAX + 8];
    static char block[1 << 20];
    section(path, mb, child);
    if (access(path, F_OK) == 0) return;
    snprintf(unfinished, sizeof unfinished, "%s.new", path);
    int fd = open(unfinished, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (fd < 0) die(unfinished);
    memset(block, 'x', sizeof block);
    for (double left = mb * 1048576; left > 0; left -= sizeof block)
        if (write(fd, block, sizeof block) < 0) die(unfinished);
    if (fsync(fd) != 0 || close(fd) != 0 || rename(unfinished, path) != 0) die(path);
}

/* Returns how many pages it touched. */
static double use(int fd, size_t bytes) {
    posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    char *memory = malloc(bytes + 2 * page);
    if (memory == NULL) die("malloc");
    char *at = (char *)(((uintptr_t)memory + page) & ~(uintptr_t)(page - 1));
    for (size_t i = 0; i < bytes; i += page)
        at[i] = 1;
    if (mmap(at, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, fd, 0) == MAP_FAILED) die("mmap");
    madvise(at, bytes, MADV_RANDOM); /* each page by itself, as swap has it */
    volatile char sum = 0;
    for (size_t i = 0; i < bytes; i += page)
        sum = (char)(sum + at[i]);
    free(memory); /* so large a piece is unmapped as a whole */
    return 2 * (double)(bytes / page);
}

int main(int argc, char **argv) {
    if (argc < 4) return 2;
    page = (size_t)sysconf(_SC_PAGESIZE);
    mallopt(M_MMAP_THRESHOLD,
            1 << 16); /* else what was freed once is kept, with the section mapped into it */
    double mb = number(argv[2]);
    if (strcmp(argv[1], "make") == 0) {
        for (int child = 1; child <= (int)number(argv[3]); child++)
            make(mb, child);
        return 0;
    }
    char path[PATH_MAX];
    section(path, mb, argc > 4 ? (int)number(argv[4]) : 1);
    int fd = open(path, O_RDONLY);
    if (fd < 0) die(path);
    double touched = 0, began = now_s(CLOCK_REALTIME);
    for (int left = (int)number(argv[3]); left > 0; left--)
        touched += use(fd, (size_t)(mb * 1048576));
    report(began, touched, "pages");
    return 0;
}
