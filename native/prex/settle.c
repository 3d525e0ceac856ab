/* Network file systems. Before a job's status is told at home, and there before its program starts: what this host's kernel may
 * have cached, and another host may have changed. Attributes of the working directory and of what arguments name are fetched
 * anew from the server (AT_STATX_FORCE_SYNC); on NFS a directory that has changed makes the kernel ask again for every name
 * in it, those that were not there included. FUSE keeps absent names for as long as its mount says, whatever
 * the directory does: those are looked up in the way of somebody who is about to make them, which never
 * trusts the cache. Before a job is sent: what programs here have written to the files that it names, and not closed, goes
 * to the server. */
#include "prex.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#ifndef AT_STATX_FORCE_SYNC
#define AT_STATX_FORCE_SYNC 0x2000
#endif

enum { NAMES_MAX = 256, NAME_MAX_BYTES = 4096 };

/* f_type of file systems that other hosts change too (statfs(2), and each one's own header). */
static const uint32_t types[] = {
    0x00006969, /* NFS */
    0xff534d42, /* CIFS */
    0x0000517b, /* SMB */
    0xfe534d42, /* SMB2 */
    0x65735546, /* FUSE */
    0x01021997, /* 9P */
    0x00c36400, /* Ceph */
    0x5346414f, /* OpenAFS */
    0x6b414653, /* AFS */
    0x73757245, /* Coda */
    0x7461636f, /* OCFS2 */
    0x01161970, /* GFS2 */
    0x0bd00bd0, /* Lustre */
    0x47504653, /* GPFS */
    0x19830326, /* BeeGFS */
    0x6a656a63, /* virtiofs */
};
enum { FUSE = 0x65735546 };

/* Directories that were looked at, the last ones: arguments name files of few. */
static struct {
    uint64_t hash; /* of the path; two that had the same would cost a fetch */
    uint32_t type;
} seen[32];
static unsigned seen_count;

static bool shared(uint32_t type) {
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (types[i] == type) return true;
    return false;
}

/* What is done to each: ours is written out, which NFS does before it tells a time of change; or theirs is fetched. */
static enum { PUBLISH = 0, FETCH = AT_STATX_FORCE_SYNC } what;

static int fetch(const char *path) {
    char attributes[256]; /* struct statx, which nobody reads */
    const unsigned basic = 0x7ff;
    return (int)syscall(SYS_statx, AT_FDCWD, path, (unsigned)what | AT_SYMLINK_NOFOLLOW, basic, attributes);
}

static uint64_t hash_of(const char *text) {
    uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a */
    while (*text)
        hash = (hash ^ (unsigned char)*text++) * 0x100000001b3u;
    return hash;
}

/* Type of the file system of a directory; its attributes are fetched once. */
static uint32_t directory(const char *path) {
    enum { SEEN_MAX = sizeof seen / sizeof *seen };
    uint64_t hash = hash_of(path);
    for (unsigned i = 0; i < seen_count && i < SEEN_MAX; i++)
        if (seen[i].hash == hash) return seen[i].type;
    struct statfs fs;
    uint32_t type = statfs(path, &fs) == 0 ? (uint32_t)fs.f_type : 0;
    if (shared(type)) fetch(path);
    seen[seen_count % SEEN_MAX].hash = hash;
    seen[seen_count++ % SEEN_MAX].type = type;
    return type;
}

/* Nothing can come of it: a link to another file system, and to a directory at that, is refused, but only
 * once the name was looked for. */
static void look_for(const char *path) {
    (void)!linkat(AT_FDCWD, "/proc", AT_FDCWD, path, 0);
}

static void name(const char *path) {
    char parent[NAME_MAX_BYTES];
    const char *slash = strrchr(path, '/');
    size_t length = slash ? (size_t)(slash - path) : 0;
    if (*path == '\0' || strlen(path) >= sizeof parent) return;
    memcpy(parent, path, length);
    parent[length] = '\0';
    uint32_t type = directory(!slash ? "." : length == 0 ? "/" : parent);
    if (!shared(type) || fetch(path) == 0 || errno != ENOENT) return;
    if (type == FUSE && what == FETCH) look_for(path);
}

/* A word, and what it may hold behind "-o", '=' or ',': -ofile, --output=file, -Wp,-MMD,file. Behind the letters of a compiler's other
 * options, which it is given by the dozen, nobody names a file: each would cost a question to the server. */
static void word(const char *text) {
    if (*text != '-')
        name(text);
    else if (text[1] != '\0' && !strchr("-DOUWfglmswx", text[1]))
        name(text + 2);
    for (const char *at = text; (at = strpbrk(at, "=,")) != NULL;)
        name(++at);
}

void files_changed(const char *paths, size_t size) {
    what = FETCH;
    for (const char *end; size > 0 && (end = memchr(paths, '\0', size)) != NULL;) {
        name(paths);
        size -= (size_t)(end + 1 - paths);
        paths = end + 1;
    }
}

static void words(char *const *argv) {
    int left = NAMES_MAX;
    seen_count = 0;
    directory(".");
    for (char *const *at = argv; *at && *++at && left > 0; left--)
        word(*at);
}

void files_publish(char *const *argv) {
    what = PUBLISH;
    words(argv);
}

void files_settle(char *const *argv) {
    what = FETCH;
    words(argv);
}
