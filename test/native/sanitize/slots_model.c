/* Every order in which a few processes can make their steps on a slot table: each atomic operation and each look at a pid
 * is one step, after which another process may go on. All orders with at most PREEMPTIONS switches away from a process
 * that could have gone on are played, each from the start. Prints how many; a broken promise ends it with the order. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include "pants.h"

enum { ACTORS = 3, PREEMPTIONS = 4, STEPS_MAX = 256, PIDS = 8, SLOTS = 2 };

static bool alive[PIDS];
static void step(void);
/* Two words instead of all, so that the orders can be counted. */
#undef PANTS_SLOT_CAPACITY
#define PANTS_SLOT_CAPACITY SLOTS
#define PANTS_PID_ALIVE(pid) (step(), alive[pid])
#define __atomic_load_n(...) (step(), __atomic_load_n(__VA_ARGS__))
#define __atomic_compare_exchange_n(...) (step(), __atomic_compare_exchange_n(__VA_ARGS__))
#include "slots.h"
#undef __atomic_load_n
#undef __atomic_compare_exchange_n

static struct pants_table table;
static ucontext_t scheduler, actor[ACTORS];
static char stacks[ACTORS][64 << 10];
static bool over[ACTORS];
static int running, depth, choice[STEPS_MAX], choices[STEPS_MAX];
static const char *scenario;

static void step(void) {
    over[running] = false;
    swapcontext(&actor[running], &scheduler);
}

static void promise(bool kept, const char *what) {
    if (kept) return;
    printf("broken in \"%s\": %s; order", scenario, what);
    for (int i = 0; i < depth; i++)
        printf(" %d", choice[i]);
    puts("");
    exit(1);
}

/* Whose a slot is, as those know who took it and gave it back. */
static uint32_t owner[SLOTS];
static int busy; /* living children that were lent a slot */

static void own(int slot, uint32_t pid) {
    promise(owner[slot] == 0 || !alive[owner[slot]], "a slot was taken from its living holder");
    owner[slot] = pid;
}

static void taker(uint32_t pid) {
    int slot = pants_slot_take(&table, pid, 0);
    if (slot < 0) return;
    own(slot, pid);
    promise(pants_slot_find(&table, pid, 0) == slot, "a holder does not find its slot");
    owner[slot] = 0;
    pants_slot_release(&table, slot, pid);
}
static void take_1(void) {
    taker(1);
}
static void take_2(void) {
    taker(2);
}
static void sweep(void) {
    pants_slot_sweep(&table);
}
/* posix_spawn: the child 3 lives before its starter knows its pid. */
static void spawn_3(void) {
    int slot = pants_slot_take(&table, 1, PANTS_SLOT_PENDING);
    if (slot < 0) return;
    own(slot, 1);
    step();
    alive[3] = true;
    step();
    owner[slot] = 3;
    promise(pants_slot_convert(&table, slot, 1, 3), "a starter's slot was not its child's");
    alive[1] = false;
}
static void lend(uint32_t child) {
    if (pants_slot_lend(&table, 1, child) < 0) return;
    promise(++busy == 1, "a slot was lent to two living children");
    step();
    busy--;
    alive[child] = false;
}
static void lend_to_2(void) {
    lend(2);
}
static void lend_to_3(void) {
    lend(3);
}
static void give_back_twice(void) {
    pants_slot_release(&table, 0, 1);
    promise(PANTS_SLOT_PID(table.slot[0]) != 1, "a slot that was given back stays taken");
    pants_slot_release(&table, 0, 1);
}
static void die_5(void) {
    step();
    alive[5] = false;
}

static const struct {
    const char *name;
    void (*life[ACTORS])(void);
    uint64_t word[SLOTS]; /* at the beginning */
    uint8_t alive;        /* pids, by bits */
} scenarios[] = {
    {"two take and give back while one sweeps", {take_1, take_2, sweep}, {0}, 0x6},
    {"two take a dead holder's slot while one sweeps", {take_1, take_2, sweep}, {7}, 0x6},
    {"one takes, one spawns, the only slot's holder dies", {spawn_3, take_2, die_5}, {5}, 0x26},
    {"one spawns while one takes and one sweeps", {spawn_3, take_2, sweep}, {0}, 0x6},
    {"one gives back a slot, lent to a dead child, while one takes and one sweeps",
     {give_back_twice, take_2, sweep},
     {1 | UINT64_C(6) << 24},
     0x6},
    {"two children of a holder ask for its slot while one sweeps", {lend_to_2, lend_to_3, sweep}, {1}, 0xe},
    {"the same, and the one that has it dies", {lend_to_2, lend_to_3, die_5}, {1 | UINT64_C(5) << 24}, 0x2e},
};

static void begin(size_t n) {
    memset(&table, 0, sizeof table);
    table.total = 1;
    memset(owner, 0, sizeof owner);
    busy = 0;
    depth = 0;
    for (int i = 0; i < SLOTS; i++)
        table.slot[i] = scenarios[n].word[i];
    for (int pid = 0; pid < PIDS; pid++)
        alive[pid] = scenarios[n].alive >> pid & 1;
    for (int i = 0; i < ACTORS; i++) {
        over[i] = false;
        getcontext(&actor[i]);
        actor[i].uc_stack.ss_sp = stacks[i];
        actor[i].uc_stack.ss_size = sizeof stacks[i];
        actor[i].uc_link = &scheduler;
        makecontext(&actor[i], scenarios[n].life[i], 0);
    }
}

/* The `wanted`th of those that may go on, counted from the one that ran last; how many there are. */
static int runnable(int wanted, int last, int *found) {
    int count = 0;
    for (int i = 0; i < ACTORS; i++) {
        int one = (last + i) % ACTORS;
        if (!over[one] && count++ == wanted) *found = one;
    }
    return count;
}

/* One order: as `choice` says, then always the same process as long as it can. */
static void play(size_t n, int known) {
    int last = 0, switches = 0;
    begin(n);
    while (runnable(0, last, &running) > 0) {
        bool forced = over[last];
        promise(depth < STEPS_MAX, "it never ends");
        if (depth >= known) choice[depth] = 0;
        choices[depth] = forced || switches < PREEMPTIONS ? runnable(choice[depth], last, &running) : 1;
        if (choice[depth] > 0 && !forced) switches++;
        depth++;
        last = running;
        over[running] = true; /* unless it comes back by a step */
        swapcontext(&scheduler, &actor[running]);
    }
    for (int i = 0; i < SLOTS; i++) {
        uint32_t pid = PANTS_SLOT_PID(table.slot[i]);
        promise(pid == 0 || !alive[pid] || pid == owner[i] || pid == PANTS_SLOT_PID(scenarios[n].word[i]),
                "a slot stays taken");
    }
}

int main(void) {
    for (size_t n = 0; n < sizeof scenarios / sizeof *scenarios; n++) {
        long orders = 0;
        scenario = scenarios[n].name;
        for (int known = 0; known >= 0; orders++) {
            play(n, known);
            /* The next one: the last choice that has another left is changed, and what came after it forgotten. */
            for (known = depth; known > 0 && choice[known - 1] + 1 >= choices[known - 1];)
                known--;
            if (known == 0) break;
            choice[known - 1]++;
        }
        printf("%ld orders: %s\n", orders + 1, scenario);
    }
}
