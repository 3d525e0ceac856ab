// See table.h.
#include "table.h"
#include "slots.h"

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace {

uint32_t self() {
    return static_cast<uint32_t>(getpid());
}

// Mapped whole, or null with the reason in errno.
pants_table *map(int fd) {
    struct stat st;
    if (fstat(fd, &st) < 0) return nullptr;
    if (!S_ISREG(st.st_mode) || st.st_size != static_cast<off_t>(sizeof(pants_table))) {
        errno = EINVAL;
        return nullptr;
    }
    void *at = mmap(nullptr, sizeof(pants_table), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    return at == MAP_FAILED ? nullptr : static_cast<pants_table *>(at);
}

bool fill(int fd, uint32_t total, mode_t mode) {
    pants_table header{};
    header.magic = PANTS_TABLE_MAGIC;
    header.version = PANTS_TABLE_VERSION;
    header.header_size = offsetof(pants_table, slot);
    header.total = std::min<uint32_t>(total, PANTS_SLOT_CAPACITY);
    header.beside = header.total;
    header.capacity = PANTS_SLOT_CAPACITY;
    header.why_capacity = PANTS_WHY_CAPACITY;
    header.why_size = sizeof(pants_why);
    return ftruncate(fd, sizeof(pants_table)) == 0 &&
           pwrite(fd, &header, header.header_size, 0) == header.header_size && fchmod(fd, mode) == 0;
}

} // namespace

// Made under another name and linked, so that nobody maps half a table.
int Table::make(const std::string &path, uint32_t total, mode_t mode) {
    const std::string draft = path + "." + std::to_string(getpid());
    unlink(draft.c_str());
    const int fd = ::open(draft.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) return -errno;
    int result = 0;
    if (!fill(fd, total, mode) || link(draft.c_str(), path.c_str()) < 0) result = -errno;
    ::close(fd);
    unlink(draft.c_str());
    return result;
}

int Table::open(const std::string &path, uint32_t total, mode_t mode) {
    close();
    int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 && errno == ENOENT && total > 0) {
        const int error = make(path, total, mode);
        if (error != 0 && error != -EEXIST) return error;
        fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    }
    if (fd < 0) return -errno;
    pants_table *mapped = map(fd);
    const int error = mapped == nullptr ? -errno : 0;
    ::close(fd);
    if (mapped == nullptr) return error;
    if (!pants_table_usable(mapped, sizeof(pants_table))) {
        munmap(mapped, sizeof(pants_table));
        return -EINVAL;
    }
    table_ = mapped;
    if (total > 0) set_total(total);
    return 0;
}

void Table::close() {
    if (table_ != nullptr) munmap(table_, sizeof(pants_table));
    table_ = nullptr;
}

uint32_t Table::total() const {
    return table_ == nullptr ? 0 : pants_table_slots(table_);
}

void Table::set_total(uint32_t total) {
    if (table_ == nullptr) return;
    __atomic_store_n(&table_->total, std::min<uint32_t>(total, PANTS_SLOT_CAPACITY), __ATOMIC_RELAXED);
}

void Table::set_beside(uint32_t beside) {
    if (table_ == nullptr) return;
    __atomic_store_n(&table_->beside, std::min<uint32_t>(beside, PANTS_SLOT_CAPACITY), __ATOMIC_RELAXED);
}

void Table::queue_first(uint32_t ms) {
    if (table_ == nullptr) return;
    const uint64_t until = ms == 0 ? 0 : boot_time_ns() + uint64_t{ms} * 1000000;
    __atomic_store_n(&table_->queue_until_ns, until, __ATOMIC_RELAXED);
}

int Table::take(bool guest) {
    if (table_ == nullptr) return -1;
    return pants_slot_take(table_, self(), PANTS_SLOT_PENDING | (guest ? PANTS_SLOT_GUEST : 0));
}

// Whoever holds it: a pending slot is ours, and one that was handed over belongs to a child of ours.
void Table::release(int index) {
    if (!usable(index)) return;
    pants_slot_release(table_, index, PANTS_SLOT_PID(pants_slot_load(table_, index)));
}

void Table::release_pid(pid_t pid) {
    if (table_ == nullptr) return;
    const auto holder = static_cast<uint32_t>(pid);
    const int index = pants_slot_find(table_, holder, 0);
    if (index >= 0) pants_slot_release(table_, index, holder);
}

Table::Counts Table::counts() {
    Counts counts{};
    if (table_ == nullptr) return counts;
    pants_slot_sweep(table_);
    for (const uint64_t word : words()) {
        if (word == 0) continue;
        counts.taken++;
        if ((word & PANTS_SLOT_GUEST) != 0) counts.guests++;
    }
    const uint32_t end = pants_table_end(table_);
    counts.beside_total = end - total();
    for (uint32_t i = total(); i < end; i++)
        if (pants_slot_load(table_, static_cast<int>(i)) != 0) counts.beside++;
    return counts;
}

std::vector<uint64_t> Table::words() const {
    std::vector<uint64_t> words;
    const uint32_t count = total();
    for (uint32_t i = 0; i < count; i++)
        words.push_back(pants_slot_load(table_, static_cast<int>(i)));
    return words;
}

void Table::append(pants_why record) {
    if (table_ == nullptr) return;
    record.time_ns = boot_time_ns();
    pants_why_append(table_, &record);
}

std::vector<pants_why> Table::latest(uint32_t count) const {
    std::vector<pants_why> records;
    if (table_ == nullptr) return records;
    const uint64_t next = __atomic_load_n(&table_->ring_next, __ATOMIC_ACQUIRE);
    const uint64_t oldest = next > PANTS_WHY_CAPACITY ? next - PANTS_WHY_CAPACITY : 0;
    for (uint64_t drawn = next; drawn > oldest && records.size() < count; drawn--) {
        pants_why copy;
        if (pants_why_read(table_, drawn, &copy)) records.push_back(copy);
    }
    return records;
}

uint64_t boot_time_ns() {
    timespec now{};
    clock_gettime(CLOCK_BOOTTIME, &now);
    return static_cast<uint64_t>(now.tv_sec) * 1000000000u + static_cast<uint64_t>(now.tv_nsec);
}
