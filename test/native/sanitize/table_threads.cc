// Threads that take, lend, give back and sweep slots of one mapped table, and write and read its record of decisions: for
// ThreadSanitizer, which sees no race between processes. Each thread stands for a process: its id is its pid, and it "dies"
// by marking itself dead. Prints how much was done; a broken promise ends it with a line.
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

namespace {
constexpr uint32_t kWorkers = 4, kSlots = 2, kRounds = 20000;
std::atomic<bool> dead[kWorkers * (kRounds + 1) + 2];
bool is_alive(uint32_t pid) {
    return pid >= sizeof dead / sizeof *dead || !dead[pid].load();
}
} // namespace

#define PANTS_PID_ALIVE(pid) is_alive(pid)
#include "../../../native/addon/table.cc"

namespace {
std::atomic<uint32_t> owner[kSlots];
std::atomic<uint64_t> taken, died, lent, read_whole;
std::atomic<bool> over;

[[noreturn]] void broken(const char *what) {
    printf("broken: %s\n", what);
    _exit(1);
}

void own(int slot, uint32_t pid) {
    const uint32_t before = owner[slot].exchange(pid);
    if (before != 0 && is_alive(before)) broken("a slot has two living holders");
}

void record(pants_table *table, uint32_t pid) {
    pants_why why{};
    const auto mark = static_cast<char>('a' + pid % 26);
    why.pid = static_cast<int32_t>(pid);
    for (char &c : why.program) c = mark;
    for (char &c : why.detail) c = mark;
    pants_why_append(table, &why);
}

// As if a writer had stood still while all the others were written, and gone on.
void late(pants_table *table) {
    pants_why copy{};
    record(table, 1);
    const uint64_t seq = table->ring_next;
    if (!pants_why_read(table, seq, &copy)) broken("a record cannot be read");
    char &late = table->why[(seq - 1) % PANTS_WHY_CAPACITY].detail[0];
    late++;
    if (pants_why_read(table, seq, &copy)) broken("half a record of a late writer was read");
    late--;
    table->why[(seq - 1) % PANTS_WHY_CAPACITY].check = 0;
    if (!pants_why_read(table, seq, &copy)) broken("a record without a checksum cannot be read");
}

// One life: takes a slot, lends it, gives it back or dies with it.
void live(pants_table *table, uint32_t pid, uint32_t round) {
    const int slot = pants_slot_take(table, pid, round % 2 == 0 ? PANTS_SLOT_PENDING : 0);
    if (slot < 0) return;
    taken++;
    own(slot, pid);
    if (round % 2 == 0 && !pants_slot_convert(table, slot, pid, pid)) broken("a pending slot was taken away");
    if (pants_slot_find(table, pid, 0) != slot) broken("a holder does not find its slot");
    if (pants_slot_lend(table, pid, pid) == slot) {
        lent++;
        pants_slot_lend_to(table, slot, pid, pid, 0);
    }
    record(table, pid);
    if (round % 3 == 0) {
        died++;
        dead[pid] = true;
        return;
    }
    uint32_t mine = pid;
    if (!owner[slot].compare_exchange_strong(mine, 0)) broken("a slot was taken from its living holder");
    pants_slot_release(table, slot, pid);
}

void watch(Table *table) {
    while (!over) {
        if (table->counts().taken > kSlots) broken("more slots are taken than there are");
        for (const pants_why &why : table->latest(PANTS_WHY_CAPACITY)) {
            for (const char c : why.program)
                if (c != why.detail[0] || c != 'a' + why.pid % 26) broken("half a record was read");
            read_whole++;
        }
    }
}
} // namespace

int main(int, char **argv) {
    Table table;
    unlink(argv[1]);
    if (table.open(argv[1], kSlots, 0600) != 0) broken("no table");
    late(table.get());
    std::vector<std::thread> workers;
    std::thread watcher(watch, &table);
    for (uint32_t worker = 0; worker < kWorkers; worker++)
        workers.emplace_back([&table, worker] {
            for (uint32_t round = 1; round <= kRounds; round++)
                live(table.get(), worker * kRounds + round, round);
        });
    for (std::thread &worker : workers) worker.join();
    over = true;
    watcher.join();
    unlink(argv[1]);
    if (taken == 0 || died == 0 || lent == 0 || read_whole == 0) broken("nothing was tried");
    printf("taken %s died %s lent %s read %s\n", std::to_string(taken).c_str(), std::to_string(died).c_str(),
           std::to_string(lent).c_str(), std::to_string(read_whole).c_str());
}
