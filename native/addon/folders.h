// Names of the files in some folders that were written, or whose attributes were set, by programs of this host
// (inotify(7)), on whichever file system.
#ifndef PANTS_ADDON_FOLDERS_H
#define PANTS_ADDON_FOLDERS_H
#include <string>
#include <vector>

class Folders {
  public:
    struct Change {
        int folder;       // what watch() returned
        std::string name; // within it
    };

    Folders() = default;
    Folders(const Folders &) = delete;
    Folders &operator=(const Folders &) = delete;
    ~Folders();

    // A number >= 0, the same one for the same folder; or -errno: ENOTDIR, ENOSPC when the user watches too many.
    int watch(const std::string &path);
    void unwatch(int folder);
    // What happened since the last call, in order, as far as the kernel keeps it (16,384 events as shipped). A file that a program has open for writing counts when it closes it.
    std::vector<Change> changes();

  private:
    int fd_ = -1;
};

#endif
