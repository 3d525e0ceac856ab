/* Before a job's status is told: what this host's kernel may have cached of a network file system, and the
 * job may have changed. Attributes of its directory and of what its arguments name are fetched anew from the
 * server (AT_STATX_FORCE_SYNC); on NFS a directory that has changed makes the kernel ask again for every name
 * in it, those that were not there included. FUSE keeps absent names for as long as its mount says, whatever
 * the directory does: those are looked up in the way of somebody who is about to make them, which never
 * trusts the cache. */
#include "prex.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
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

/* Of the directory that was looked at last: arguments name files of few. */
static char last[NAME_MAX_BYTES];
static uint32_t last_type;

static bool shared(uint32_t type) {
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (types[i] == type) return true;
    return false;
}

static int fetch(const char *path) {
    char attributes[256]; /* struct statx, which nobody reads */
    const unsigned basic = 0x7ff;
    return (int)syscall(SYS_statx, AT_FDCWD, path, AT_STATX_FORCE_SYNC | AT_SYMLINK_NOFOLLOW, basic,
                        attributes);
}

/* Type of the file system of a directory; its attributes are fetched once. */
static uint32_t directory(const char *path) {
    struct statfs fs;
    if (strcmp(path, last) == 0) return last_type;
    snprintf(last, sizeof last, "%s", path);
    last_type = statfs(path, &fs) == 0 ? (uint32_t)fs.f_type : 0;
    if (shared(last_type)) fetch(path);
    return last_type;
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
    if (type == FUSE) look_for(path);
}

/* A word, and what it may hold behind "-o", '=' or ',': -ofile, --output=file, -Wp,-MMD,file. */
static void word(const char *text) {
    if (*text != '-')
        name(text);
    else if (text[1] != '-' && text[1] != '\0')
        name(text + 2);
    for (const char *at = text; (at = strpbrk(at, "=,")) != NULL;)
        name(++at);
}

void files_settle(char *const *argv) {
    int left = NAMES_MAX;
    directory(".");
    for (char *const *at = argv; *at && *++at && left > 0; left--)
        word(*at);
}
