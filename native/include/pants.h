/* Layouts that C and TypeScript share: the state record, the slot table with its record of decisions, and the
 * stand-in's protocol. Everything is little-endian and naturally aligned; test/io/layout.test.ts holds the
 * TypeScript side (src/io/layout.ts) equal, byte for byte.
 *
 * Files, under the runtime directory (PANTS_RUNTIME_DIR; else /run/pants if it holds `state`; else
 * $XDG_RUNTIME_DIR/pants):
 *   state              one pants_state, rewritten by pantsd every sampling interval and on change
 *   slots              pants_table, made by pantsd, mapped shared by the shim, the stand-in, prexd, the agent
 *   pantsd.sock        pantsd's control socket, JSON lines (src/wire/control.ts)
 *   users/UID/         0700, owned by UID: prexd.sock, held-up.sock, prexd.lock, prexd.log, agent-LINK.lock
 */
#ifndef PANTS_H
#define PANTS_H
#include <stdint.h>

/* ---- the mark: e_flags of the ELF header ------------------------------------------------------------------ */
#define PANTS_MARK_MASK 0xff000000u
#define PANTS_MARK_TAG_MASK 0xf0000000u
#define PANTS_MARK_TAG 0x50000000u /* high nibble 0x5 says "PANTS" */
#define PANTS_MARK_MIGRATABLE 0x01000000u
#define PANTS_MARK_NEVER 0x02000000u /* wins over migratable */
#define PANTS_MARK_IDEMPOTENT 0x04000000u

/* ---- state: what the shim reads to decide ------------------------------------------------------------------ */
#define PANTS_STATE_MAGIC 0x54534e50u /* "PNST" */
#define PANTS_STATE_VERSION 1
enum pants_index {
    PANTS_INDEX_NONE = 0,
    PANTS_INDEX_CPU = 1,
    PANTS_INDEX_IO = 2,
    PANTS_INDEX_CTXT = 3,
    PANTS_INDEX_MEMORY = 4,
    PANTS_INDEX_INTR = 5,
    PANTS_INDEX_NET = 6,
    PANTS_INDEX_IO_PRESSURE = 7,
    PANTS_INDEX_MEMORY_PRESSURE = 8,
    PANTS_INDEX_DISK_BUSY = 9,
    PANTS_INDEX_SWAPPING = 10,
    PANTS_INDEX_ROOM = 11,
    PANTS_INDEX_OWNER = 12
};
struct pants_state {          /* 64 bytes, written with one pwrite; torn when seq != seq_end */
    uint32_t magic;           /*  0 */
    uint16_t version;         /*  4 */
    uint16_t size;            /*  6  sizeof(struct pants_state) */
    uint32_t seq;             /*  8  grows by one at each write */
    uint32_t interval_ms;     /* 12  a record older than 3 intervals means: no daemon */
    uint64_t written_ns;      /* 16  CLOCK_BOOTTIME */
    uint8_t busy;             /* 24  1: this host is over a threshold */
    uint8_t index;            /* 25  enum pants_index: which one */
    uint8_t remote;           /* 26  0: nobody can help before remote_after_ns; 1: worth asking */
    uint8_t sleeping;         /* 27  of the programs in slots and beside them so many used no CPU in the last interval */
    uint32_t slots_total;     /* 28  slots in force on this host */
    uint64_t remote_after_ns; /* 32  CLOCK_BOOTTIME; meaningful when remote is 0 */
    int32_t pid;              /* 40  of pantsd */
    uint32_t index_value;     /* 44  in hundredths of the index's unit */
    uint32_t index_threshold; /* 48  likewise */
    uint32_t available_mb;    /* 52  memory that jobs may still take, MiB; 0: not known */
    uint32_t place;           /* 56  this host's namespaces and root (shim/held.c, src/io/place.ts); 0: not known */
    uint32_t seq_end;         /* 60  == seq */
};

/* ---- slots -------------------------------------------------------------------------------------------------- */
#define PANTS_TABLE_MAGIC 0x4c534e50u /* "PNSL" */
#define PANTS_TABLE_VERSION 1
#define PANTS_SLOT_CAPACITY 256
#define PANTS_WHY_CAPACITY 512
/* A slot word: 0 is free. Every change is one compare-and-swap on the whole word.
 *   bits  0-23  holder's pid (for a pending slot: the pid of the process that is about to start the holder)
 *   bits 24-47  pid of the child it is lent to, or 0: a driver (gcc) waits while its compiler (cc1) runs, so a
 *               marked child of a holder runs inside the parent's slot, one living child at a time
 *   bits 48-55  flags */
#define PANTS_SLOT_PID(w) ((uint32_t)((w) & 0xffffffu))
#define PANTS_SLOT_LENT(w) ((uint32_t)(((w) >> 24) & 0xffffffu))
#define PANTS_SLOT_PENDING (UINT64_C(1) << 48)
#define PANTS_SLOT_GUEST (UINT64_C(1) << 49) /* a job run for another host; the holder is its session's leader */
/* A word whose pids are all dead (kill(pid, 0) gives ESRCH) is free; whoever sees it may take it. pantsd sweeps the
 * table, so that a recycled pid does not keep a slot. Only the first `total` words are used (0 <= total <=
 * capacity); a taker starts at word 0. The `beside` words after them bound what runs here with every slot taken, when
 * no other host can help: they are no slots, and never a guest's. */

enum pants_where { PANTS_WHERE_HERE = 0, PANTS_WHERE_REMOTE = 1 };
enum pants_reason {
    PANTS_WHY_NONE = 0,
    PANTS_WHY_SLOT = 1,        /* this host was free: ran here in a slot of its own */
    PANTS_WHY_LENT = 2,        /* ran here inside its parent's slot */
    PANTS_WHY_GUEST = 3,       /* part of a job run here for another host */
    PANTS_WHY_NO_DAEMON = 4,   /* no state record, or a stale or torn one */
    PANTS_WHY_NO_REMOTE = 5,   /* busy, but nobody could help a moment ago */
    PANTS_WHY_NO_STANDIN = 6,  /* prex is not where the shim looks for it */
    PANTS_WHY_UNFIT = 7,       /* cannot be carried: see detail (setuid, traced, file actions, descriptors, ...) */
    PANTS_WHY_NO_HELPER = 8,   /* prexd not running (it is being started) or not trusted */
    PANTS_WHY_REFUSED = 9,     /* prexd said: run it here; see detail */
    PANTS_WHY_FAULT = 10,      /* something broke before the job started; see detail */
    PANTS_WHY_REMOTE_BUSY = 11,/* ran elsewhere: a load index was over its threshold here */
    PANTS_WHY_REMOTE_FULL = 12,/* ran elsewhere: every slot here was taken */
    PANTS_WHY_BY_HAND = 13,    /* ran elsewhere: asked for with prex */
    PANTS_WHY_LOST = 14,       /* started elsewhere, then lost; not run again */
    PANTS_WHY_RERUN = 15,      /* idempotent: lost elsewhere, ran again */
    PANTS_WHY_ALWAYS = 16,     /* ran elsewhere: PANTS_POLICY=always */
    PANTS_WHY_REMOTE_FIRST = 17/* ran elsewhere: prexd had slots there at hand, and wanted to be asked (queue_until_ns) */
};
struct pants_why {      /* 192 bytes; one decision about a marked program */
    uint64_t seq;       /*   0  1 + the index it was drawn from ring_next; written last, 0 while being filled */
    uint64_t time_ns;   /*   8  CLOCK_BOOTTIME */
    int32_t pid;        /*  16 */
    uint32_t uid;       /*  20 */
    uint8_t where;      /*  24  enum pants_where */
    uint8_t reason;     /*  25  enum pants_reason */
    uint8_t index;      /*  26  enum pants_index, when busy */
    uint8_t reserved0;  /*  27 */
    uint32_t duration_ms; /* 28  remote jobs: from request to status */
    int32_t status;     /*  32  remote jobs: the wait status; else -1 */
    uint32_t check;     /*  36  pants_why_check of all else; 0: not checked (a shim of before there was one) */
    char host[32];      /*  40  where it ran, empty = here; NUL-terminated */
    char program[64];   /*  72  path, its tail when longer; NUL-terminated */
    char detail[56];    /* 136  NUL-terminated */
};
struct pants_table {
    uint32_t magic;         /*  0 */
    uint16_t version;       /*  4 */
    uint16_t header_size;   /*  6  64 */
    uint32_t total;         /*  8  slots in force, written by pantsd */
    uint32_t capacity;      /* 12  PANTS_SLOT_CAPACITY */
    uint32_t why_capacity;  /* 16  PANTS_WHY_CAPACITY */
    uint32_t why_size;      /* 20  sizeof(struct pants_why) */
    uint64_t ring_next;     /* 24  decisions ever recorded; fetch-and-add to draw an entry */
    uint32_t beside;        /* 32  words after those: programs that run here beside the slots, written by pantsd */
    uint32_t reserved0;     /* 36 */
    uint64_t queue_until_ns; /* 40  CLOCK_BOOTTIME: until then a prexd has slots elsewhere at its disposal, or plans
                             *     long jobs, and wants to be asked also when a slot is free here; 0 or past: not */
    uint64_t reserved[2];   /* 48 */
    uint64_t slot[PANTS_SLOT_CAPACITY];              /* 64 */
    struct pants_why why[PANTS_WHY_CAPACITY];        /* 64 + 8 * 256 = 2112 */
};

/* ---- shim -> stand-in ---------------------------------------------------------------------------------------- */
/* The shim execs prex with argv untouched and this one variable appended to the environment:
 *   PANTS_STANDIN=<hex flags>:<path exactly as the caller gave it, after any PATH search>
 * prex removes it before anything else sees the environment. */
#define PANTS_STANDIN_VAR "PANTS_STANDIN="
#define PANTS_RUN_IDEMPOTENT 0x1u /* marked idempotent */
#define PANTS_RUN_BY_HAND 0x2u    /* prex CMD: remote whatever the load here */
#define PANTS_RUN_BUSY 0x4u       /* redirected because this host is busy (else: no slot was free) */
#define PANTS_RUN_ALWAYS 0x8u     /* redirected because PANTS_POLICY=always */
#define PANTS_RUN_FIRST 0x10u     /* redirected because prexd wants to be asked first, also with a slot free */
/* Only in pants_run, since the stand-in finds them out: */
#define PANTS_RUN_LEADS_GROUP 0x100u   /* of processes */
#define PANTS_RUN_LEADS_SESSION 0x200u
#define PANTS_RUN_BATCH 0x400u         /* SCHED_BATCH */
#define PANTS_RUN_IDLE 0x800u          /* SCHED_IDLE */
#define PANTS_RUN_TERMINAL 0x1000u     /* in the foreground of the terminal that is its stdin and stdout */

/* ---- stand-in <-> prexd: users/UID/prexd.sock, SOCK_STREAM, one connection per job --------------------------- */
#define PANTS_MSG_MAGIC 0x58525050u /* "PPRX" */
#define PANTS_MSG_VERSION 1
#define PANTS_MSG_LENGTH_MAX (8u << 20)
#define PANTS_PART_MAX 4096 /* bytes of payload that a stand-in takes */
struct pants_msg {      /* 16 bytes, then `length` bytes of payload */
    uint32_t magic;     /*  0 */
    uint16_t version;   /*  4 */
    uint16_t type;      /*  6  enum pants_msg_type */
    uint32_t length;    /*  8  <= PANTS_MSG_LENGTH_MAX */
    uint32_t value;     /* 12  signal number, wait status, ...; else 0 */
};
enum pants_msg_type {
    /* stand-in -> prexd */
    PANTS_MSG_RUN = 1,     /* pants_run; all open descriptors ride on its first byte, lowest first */
    PANTS_MSG_SIGNAL = 2,  /* value: signal number | 0x100 when it came from the terminal (whole group) */
    PANTS_MSG_QUERY = 3,   /* any client: JSON of prexd's jobs and links comes back as PANTS_MSG_JSON */
    PANTS_MSG_HELLO = 4,   /* no payload: PANTS_MSG_READY comes back; used to see whether prexd lives. Sent before RUN
                            * too, so that a prexd that hangs is never handed a caller's descriptors */
    /* prexd -> stand-in */
    PANTS_MSG_READY = 64,
    PANTS_MSG_HERE = 65,    /* run it here, nothing runs anywhere; value: enum pants_reason; payload: detail text.
                             * Valid after STARTED too: the agent refused, so it was certainly not started */
    PANTS_MSG_STARTED = 66, /* payload: "HOST LINK": from here on the program may be running there. Comes again when
                             * it moves to another host, and for idempotent programs as "HOST LINK TAKEN OUT ERR" (bytes
                             * taken from stdin, delivered to 1 and 2; "-" = not known): the last payload is `after` */
    PANTS_MSG_EXIT = 67,    /* value: raw wait status of the program; every output byte has been delivered */
    PANTS_MSG_LOST = 68,    /* outcome unknown; payload: one line for stderr. The stand-in dies of SIGKILL */
    PANTS_MSG_JSON = 69,
    PANTS_MSG_STOPPED = 70, /* value: stop signal: the far program stopped; the stand-in stops itself */
    PANTS_MSG_CHANGED = 71, /* payload: paths, each ending in NUL: files that the program changed, on
                             * file systems of which this host's kernel may have something cached. Before EXIT */
    PANTS_MSG_CLOSED = 72   /* value: a descriptor that nobody over there writes to any more */
};
/* When the connection breaks: prexd sends STARTED before it hands the job to any link, so no STARTED seen = nothing
 * was started = run it here. After STARTED the outcome is LOST, unless PANTS_RUN_IDEMPOTENT: then the stand-in
 * connects again (to a new prexd, which it may start) and sends RUN once more with `after` = "HOST LINK": prexd runs
 * it only when that link's agent and all it started are certainly dead. With no prexd within PANTS_ORPHAN_WAIT_MS of
 * the break it runs the program here, since by then an agent without a link has killed everything. */
#define PANTS_LINK_PING_MS 2500   /* each end of a link sends something at least this often */
#define PANTS_LINK_TERM_MS 8000   /* an agent that heard nothing for so long sends its jobs SIGTERM */
#define PANTS_LINK_KILL_MS 10000  /* ... and SIGKILL, and ends */
#define PANTS_LINK_DEAD_MS 12000  /* the home side takes a silent link's jobs for dead only now */
#define PANTS_ORPHAN_WAIT_MS PANTS_LINK_DEAD_MS
#define PANTS_FD_END 256 /* descriptors from here on are not carried */
#define PANTS_FDS_MAX 16
struct pants_run {          /* fixed part of RUN's payload, then strings */
    uint32_t flags;         /*   0  PANTS_RUN_* */
    uint32_t umask;         /*   4 */
    uint32_t fd_count;      /*   8  so many of fds are meant */
    uint32_t argc;          /*  12 */
    uint32_t envc;          /*  16 */
    int32_t nice;           /*  20 */
    uint64_t ignored;       /*  24  bit n-1: signal n is ignored */
    uint64_t blocked;       /*  32  bit n-1: signal n is blocked */
    uint64_t rlimits[16][2];/*  40  soft, hard by RLIMIT_ number; ~0 = unlimited */
    uint8_t fds[PANTS_FDS_MAX]; /* 296  open descriptors, ascending; they ride along in this order */
    /* 312: strings, each uint32 length (without NUL) then the bytes, no padding:
     *   cwd, path (absolute), host (empty unless --on), after (empty, or the last STARTED), argv[0..argc), envp[0..envc) */
};
#define PANTS_RUN_FIXED 312
#endif
