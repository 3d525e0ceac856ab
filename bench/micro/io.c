/* The I/O test (paper, 3.2): copies a tree of many small files.
 *   io make MB       makes the tree, unless it is there
 *   io copy MB N     copies it to a new place; N is the child's number
 *   io forget MB N   removes the copies of the children 1 to N
 * The paper's hosts could not keep 384 MB in memory. So that the disk has as much to do today, a file's data
 * is on it before the next file is copied, and nothing stays in the page cache. That is sync_file_range and
 * not fsync: a commit of the journal for each file is not what cp does. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "child.h"

/* The paper's source files have 19 KB on average. */
enum { FILES_A_FOLDER = 64, MEAN = 19 * 1024, LARGEST = 2 * MEAN };

static char buffer[LARGEST];

/* Sizes of all between 1 and LARGEST, the same each time. */
static size_t size_of(long file) {
    return 1 + (size_t)(((unsigned long)file * 2654435761u) % (LARGEST - 1));
}

static void name(char *to, const char *tree, long file) {
    if (file % FILES_A_FOLDER == 0) {
        snprintf(to, PATH_MAX, "%s/%ld", tree, file / FILES_A_FOLDER);
        if (mkdir(to, 0777) != 0 && errno != EEXIST) die(to);
    }
    snprintf(to, PATH_MAX, "%s/%ld/%ld", tree, file / FILES_A_FOLDER, file);
}

static void write_file(const char *path, size_t size) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (fd < 0) die(path);
    if (write(fd, buffer, size) != (ssize_t)size) die(path);
    sync_file_range(fd, 0, 0,
                    SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER);
    posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    if (close(fd) != 0) die(path);
}

static void read_file(const char *path, size_t size) {
    int fd = open(path, O_RDONLY);
    if (fd < 0) die(path);
    if (read(fd, buffer, size) != (ssize_t)size) die(path);
    posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    close(fd);
}

/* Makes or copies or removes so many bytes of a tree. Returns how many. */
static double walk(const char *from, const char *to, double bytes) {
    char path[PATH_MAX];
    double done = 0;
    for (long file = 0; done < bytes; done += (double)size_of(file), file++) {
        size_t size = size_of(file);
        if (from != NULL) {
            snprintf(path, sizeof path, "%s/%ld/%ld", from, file / FILES_A_FOLDER, file);
            read_file(path, size);
        }
        name(path, to, file);
        write_file(path, size);
    }
    return done;
}

static void forget(const char *tree, double bytes) {
    char path[PATH_MAX];
    long file = 0;
    for (double done = 0; done < bytes; done += (double)size_of(file), file++) {
        snprintf(path, sizeof path, "%s/%ld/%ld", tree, file / FILES_A_FOLDER, file);
        unlink(path);
    }
    for (long folder = 0; folder <= file / FILES_A_FOLDER; folder++) {
        snprintf(path, sizeof path, "%s/%ld", tree, folder);
        rmdir(path);
    }
    rmdir(tree);
}

/* Under another name first, so that a tree that is there is whole. */
static void make(const char *tree, double bytes) {
    char unfinished[PATH_MAX];
    if (access(tree, F_OK) == 0) return;
    snprintf(unfinished, sizeof unfinished, "%s.new", tree);
    if (mkdir(unfinished, 0777) != 0 && errno != EEXIST) die(unfinished);
    memset(buffer, 'x', sizeof buffer);
    walk(NULL, unfinished, bytes);
    if (rename(unfinished, tree) != 0) die(tree);
}

int main(int argc, char **argv) {
    if (argc < 3) return 2;
    char tree[PATH_MAX / 2], copy[PATH_MAX / 2 + 32];
    double mb = number(argv[2]), bytes = mb * 1048576;
    int child = argc > 3 ? (int)number(argv[3]) : 1;
    snprintf(tree, sizeof tree, "%s/tree-%g", scratch(), mb);
    if (strcmp(argv[1], "make") == 0) {
        make(tree, bytes);
        return 0;
    }
    if (strcmp(argv[1], "forget") == 0) {
        for (; child > 0; child--) {
            snprintf(copy, sizeof copy, "%s-copy-%d", tree, child);
            forget(copy, bytes);
        }
        return 0;
    }
    snprintf(copy, sizeof copy, "%s-copy-%d", tree, child);
    if (mkdir(copy, 0777) != 0 && errno != EEXIST) die(copy); /* of a run that was killed */
    double began = now_s(CLOCK_REALTIME);
    double copied = walk(tree, copy, bytes);
    report(began, copied / 1048576, "MiB copied");
    return 0;
}
