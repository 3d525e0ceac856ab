/* Operations on the slot table and its record of decisions (struct pants_table in pants.h), for the shim, the
 * stand-in and the addon: C11 and C++17, header only, no allocation, no lock, no stdio, safe after vfork and
 * in a signal handler. Every function works on a table already mapped shared and checked with
 * pants_table_usable().
 *
 * The shim defines PANTS_PID_ALIVE(pid) before including this, since it must not touch errno or call anything
 * that the program may have replaced. */
#ifndef PANTS_SLOTS_H
#define PANTS_SLOTS_H
#include <stddef.h>
#include <stdint.h>
#include "pants.h"

#ifndef PANTS_PID_ALIVE
#include <errno.h>
#include <signal.h>
#define PANTS_PID_ALIVE(pid) (kill((pid_t)(pid), 0) == 0 || errno != ESRCH)
#endif

/* What a word looks like with these in it. */
static inline uint64_t pants_word(uint32_t pid, uint32_t lent, uint64_t flags) {
    return ((uint64_t)pid & 0xffffffu) | ((uint64_t)lent & 0xffffffu) << 24 | flags;
}

/* True when `size` mapped bytes are a table of this version. */
static inline int pants_table_usable(const struct pants_table *t, size_t size) {
    return size >= sizeof *t && t->magic == PANTS_TABLE_MAGIC && t->version == PANTS_TABLE_VERSION &&
           t->header_size == 64 && t->capacity == PANTS_SLOT_CAPACITY &&
           t->why_capacity == PANTS_WHY_CAPACITY && t->why_size == sizeof(struct pants_why);
}

#define PANTS_QUEUE_NS_MAX UINT64_C(3000000000) /* what is farther away was not meant, or is of another boot */

/* Whether prexd is to be asked before a free slot is taken. */
static inline int pants_queue_first(const struct pants_table *t, uint64_t now_ns) {
    uint64_t until = __atomic_load_n(&t->queue_until_ns, __ATOMIC_RELAXED);
    return until > now_ns && until - now_ns <= PANTS_QUEUE_NS_MAX;
}

/* How many words are in force. */
static inline uint32_t pants_table_slots(const struct pants_table *t) {
    uint32_t total = __atomic_load_n(&t->total, __ATOMIC_RELAXED);
    return total < PANTS_SLOT_CAPACITY ? total : PANTS_SLOT_CAPACITY;
}

static inline uint64_t pants_slot_load(const struct pants_table *t, int index) {
    return __atomic_load_n(&t->slot[index], __ATOMIC_ACQUIRE);
}

static inline int pants_slot_swap(struct pants_table *t, int index, uint64_t from, uint64_t to) {
    return __atomic_compare_exchange_n(&t->slot[index], &from, to, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

/* True when the word may be taken: nobody's, or all its pids are dead. EPERM from kill means alive. */
static inline int pants_word_free(uint64_t word) {
    uint32_t pid = PANTS_SLOT_PID(word), lent = PANTS_SLOT_LENT(word);
    if (word == 0) return 1;
    if (pid != 0 && PANTS_PID_ALIVE(pid)) return 0;
    return lent == 0 || lent == pid || !PANTS_PID_ALIVE(lent);
}

/* Where the words beside the slots end. */
static inline uint32_t pants_table_end(const struct pants_table *t) {
    uint32_t total = pants_table_slots(t), beside = __atomic_load_n(&t->beside, __ATOMIC_RELAXED);
    return beside < PANTS_SLOT_CAPACITY - total ? total + beside : PANTS_SLOT_CAPACITY;
}

static inline int pants_word_take(struct pants_table *t, uint32_t from, uint32_t end, uint32_t pid,
                                  uint64_t flags) {
    for (int i = (int)from; i < (int)end; i++) {
        uint64_t word = pants_slot_load(t, i);
        if (pants_word_free(word) && pants_slot_swap(t, i, word, pants_word(pid, 0, flags))) return i;
    }
    return -1;
}

/* Take a slot for `pid` (with PANTS_SLOT_PENDING: for a child that `pid` is about to start). Index, or -1. */
static inline int pants_slot_take(struct pants_table *t, uint32_t pid, uint64_t flags) {
    return pants_word_take(t, 0, pants_table_slots(t), pid, flags);
}

/* The same beside the slots. The word is given back, lent and swept like a slot. */
static inline int pants_beside_take(struct pants_table *t, uint32_t pid, uint64_t flags) {
    return pants_word_take(t, pants_table_slots(t), pants_table_end(t), pid, flags);
}

/* Hand a pending slot of `starter` to the child that it has started. Flags but PENDING stay. */
static inline int pants_slot_convert(struct pants_table *t, int index, uint32_t starter, uint32_t child) {
    uint64_t word = pants_slot_load(t, index);
    if (PANTS_SLOT_PID(word) != starter || !(word & PANTS_SLOT_PENDING)) return 0;
    return pants_slot_swap(t, index, word, pants_word(child, 0, word & PANTS_SLOT_GUEST));
}

/* Give back slot `index` if `pid` still is its holder (or its starter, when pending). */
static inline void pants_slot_release(struct pants_table *t, int index, uint32_t pid) {
    for (;;) {
        uint64_t word = pants_slot_load(t, index);
        if (word == 0 || PANTS_SLOT_PID(word) != pid) return;
        if (pants_slot_swap(t, index, word, 0)) return;
    }
}

/* Slot that `pid` holds (not pending) with all of `flags` set, or -1. Looks at every word, so that a holder
 * is found after `total` was lowered too. */
static inline int pants_slot_find(const struct pants_table *t, uint32_t pid, uint64_t flags) {
    for (int i = 0; i < PANTS_SLOT_CAPACITY; i++) {
        uint64_t word = pants_slot_load(t, i);
        if (PANTS_SLOT_PID(word) == pid && pid != 0 && !(word & PANTS_SLOT_PENDING) &&
            (word & flags) == flags)
            return i;
    }
    return -1;
}

/* Lend the slot of `holder` to `child`, one living child at a time: index, or -1 when it holds none or has
 * lent it. A holder that has no pid for its child yet lends to itself (child == holder) and calls
 * pants_slot_lend_to later; the child may be quicker and lend it to itself in between. */
static inline int pants_slot_lend(struct pants_table *t, uint32_t holder, uint32_t child) {
    int i = pants_slot_find(t, holder, 0);
    if (i < 0) return -1;
    uint64_t word = pants_slot_load(t, i);
    uint32_t lent = PANTS_SLOT_LENT(word);
    if (PANTS_SLOT_PID(word) != holder) return -1;
    if (lent == child && child != holder) return i;
    if (lent == holder && child == holder) return -1;
    if (lent != 0 && lent != holder && PANTS_PID_ALIVE(lent)) return -1;
    return pants_slot_swap(t, i, word, pants_word(holder, child, word & ~UINT64_C(0xffffffffffff))) ? i : -1;
}

/* Change whom `holder` has lent its slot to: from one pid to another; to 0 = take it back. */
static inline void pants_slot_lend_to(struct pants_table *t, int index, uint32_t holder, uint32_t from,
                                      uint32_t to) {
    uint64_t word = pants_slot_load(t, index);
    if (PANTS_SLOT_PID(word) != holder || PANTS_SLOT_LENT(word) != from) return;
    pants_slot_swap(t, index, word, pants_word(holder, to, word & ~UINT64_C(0xffffffffffff)));
}

/* Free every word whose pids are all dead, and forget dead children. pantsd does this at each sample. */
static inline void pants_slot_sweep(struct pants_table *t) {
    for (int i = 0; i < PANTS_SLOT_CAPACITY; i++) {
        uint64_t word = pants_slot_load(t, i);
        uint32_t pid = PANTS_SLOT_PID(word), lent = PANTS_SLOT_LENT(word);
        if (word == 0) continue;
        if (pants_word_free(word))
            pants_slot_swap(t, i, word, 0);
        else if (lent != 0 && lent != pid && !PANTS_PID_ALIVE(lent))
            pants_slot_swap(t, i, word, word & ~(UINT64_C(0xffffff) << 24));
    }
}

/* Copy a NUL-terminated string, keeping its tail when it is too long. */
static inline void pants_copy_tail(char *to, size_t size, const char *from) {
    size_t length = 0;
    while (from[length])
        length++;
    if (length >= size) from += length - (size - 1), length = size - 1;
    for (size_t i = 0; i <= length; i++)
        to[i] = from[i];
}

/* Records are copied by words, each atomic, so that a reader beside a writer is no data race. */
typedef uint64_t __attribute__((may_alias)) pants_why_word;
enum { PANTS_WHY_WORDS = sizeof(struct pants_why) / sizeof(uint64_t) };

/* The word whose upper half is `check` (little-endian). */
enum { PANTS_WHY_CHECK = offsetof(struct pants_why, check) / sizeof(uint64_t) };

static inline pants_why_word pants_why_unchecked(const pants_why_word *record, int i) {
    return i == PANTS_WHY_CHECK ? record[i] & 0xffffffffu : record[i];
}

/* What a record with this seq has for a checksum; never 0. */
static inline uint32_t pants_why_check(const pants_why_word *record, uint64_t seq) {
    uint64_t sum = seq;
    for (int i = 1; i < PANTS_WHY_WORDS; i++) {
        sum = (sum ^ pants_why_unchecked(record, i)) * UINT64_C(0x9e3779b97f4a7c15);
        sum ^= sum >> 32;
    }
    return (uint32_t)sum | 1u;
}

/* Record one decision. Everything but seq and check is the caller's to fill. */
static inline void pants_why_append(struct pants_table *t, const struct pants_why *record) {
    uint64_t drawn = __atomic_fetch_add(&t->ring_next, 1, __ATOMIC_RELAXED);
    struct pants_why *entry = &t->why[drawn % PANTS_WHY_CAPACITY];
    const pants_why_word *from = (const pants_why_word *)record;
    pants_why_word *to = (pants_why_word *)entry, check = pants_why_check(from, drawn + 1);
    __atomic_store_n(&entry->seq, 0, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    for (int i = 1; i < PANTS_WHY_WORDS; i++) {
        pants_why_word word = pants_why_unchecked(from, i);
        __atomic_store_n(&to[i], i == PANTS_WHY_CHECK ? word | check << 32 : word, __ATOMIC_RELAXED);
    }
    __atomic_store_n(&entry->seq, drawn + 1, __ATOMIC_RELEASE);
}

/* Copy the record whose seq is `seq` (from 1). 0 when it is being written or was overwritten. seq tells that of all but
 * a writer that stood still in the middle while all the others of the ring were written: then check does. */
static inline int pants_why_read(const struct pants_table *t, uint64_t seq, struct pants_why *record) {
    const struct pants_why *entry = &t->why[(seq - 1) % PANTS_WHY_CAPACITY];
    const pants_why_word *from = (const pants_why_word *)entry;
    pants_why_word *to = (pants_why_word *)record;
    if (__atomic_load_n(&entry->seq, __ATOMIC_ACQUIRE) != seq) return 0;
    for (int i = 1; i < PANTS_WHY_WORDS; i++)
        to[i] = __atomic_load_n(&from[i], __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    record->seq = seq;
    if (__atomic_load_n(&entry->seq, __ATOMIC_RELAXED) != seq) return 0;
    return record->check == 0 || record->check == pants_why_check(to, seq);
}
#endif
