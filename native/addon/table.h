// The slot table and its record of decisions, mapped shared; the layout is in pants.h, the operations in
// slots.h.
#ifndef PANTS_ADDON_TABLE_H
#define PANTS_ADDON_TABLE_H
#include <cstdint>
#include <string>
#include <sys/types.h>
#include <vector>

#include "pants.h"

class Table {
  public:
    Table() = default;
    ~Table() { close(); }
    Table(const Table &) = delete;
    Table &operator=(const Table &) = delete;

    // Maps the table, which is made (whole or not at all) when total > 0. 0, or -errno; -EINVAL: something
    // else is there, or a table of another version.
    int open(const std::string &path, uint32_t total, mode_t mode);
    void close();
    // Null unless open.
    pants_table *get() const { return table_; }

    uint32_t total() const;
    void set_total(uint32_t total);
    void set_beside(uint32_t beside);
    void queue_first(uint32_t ms);
    int take(bool guest);
    void release(int index);
    void release_pid(pid_t pid);
    struct Counts {
        uint32_t taken;
        uint32_t guests;
        // Programs that run beside the slots, and how many may.
        uint32_t beside;
        uint32_t beside_total;
    };
    // Frees what dead processes left, then counts.
    Counts counts();
    std::vector<uint64_t> words() const;

    // Sequence and time are filled in here.
    void append(pants_why record);
    // Newest first; records that are being written are left out.
    std::vector<pants_why> latest(uint32_t count) const;

  private:
    int make(const std::string &path, uint32_t total, mode_t mode);
    bool usable(int index) const { return table_ != nullptr && index >= 0 && index < PANTS_SLOT_CAPACITY; }

    pants_table *table_ = nullptr;
};

uint64_t boot_time_ns();

#endif
