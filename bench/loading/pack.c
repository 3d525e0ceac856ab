/* pack IN OUT: stands for a step of a build that loads disk and memory, and hardly the CPU. Reads a file around the
 * page cache, maps as much memory as it is long and goes through it, and writes it out around the page cache. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK = 256 * 1024, PAGE = 4096 };

static int die(const char *what) {
    perror(what);
    return 1;
}

int main(int argc, char **argv) {
    struct stat st;
    if (argc != 3) return fprintf(stderr, "usage: pack IN OUT\n"), 2;
    int in = open(argv[1], O_RDONLY | O_DIRECT);
    if (in < 0 || fstat(in, &st) != 0) return die(argv[1]);
    size_t size = (size_t)st.st_size;
    char *data = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (data == MAP_FAILED) return die("mmap");
    for (size_t at = 0; at < size; at += CHUNK)
        if (pread(in, data + at, CHUNK, (off_t)at) != CHUNK) return die(argv[1]);
    for (int round = 0; round < 4; round++) {
        char *more = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (more == MAP_FAILED) return die("mmap");
        for (size_t at = 0; at < size; at += PAGE)
            more[at] = (char)(data[at] + round);
        munmap(more, size);
    }
    int out = open(argv[2], O_WRONLY | O_CREAT | O_TRUNC | O_DIRECT, 0666);
    if (out < 0) return die(argv[2]);
    for (size_t at = 0; at < size; at += CHUNK)
        if (pwrite(out, data + at, CHUNK, (off_t)at) != CHUNK) return die(argv[2]);
    return close(out) != 0 ? die(argv[2]) : 0;
}
