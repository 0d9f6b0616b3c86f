/* The WebAssembly CPU: the loop around the generated operations, and the doors to all that is not plain memory.
 *
 * cpu_ops.h is made by knowledge.m65816.cpu_generate: tables and, between its own guards, the cases of the switch. It
 * is included once for the tables and twice for the cases: in the quick loop, and in the one that tells every cycle.
 */

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef int i32;
typedef long long i64;

#define IMPORT(name) __attribute__((import_module("host"), import_name(name)))
#define EXPORT(name) __attribute__((export_name(name)))
#define SLOW __attribute__((noinline))
#define LIKELY(test) __builtin_expect(!!(test), 1)
#define PAGES 2048
#define RANGES 1024
#define JOURNAL 65536
#define STEPS 1024
#define BUS (STEPS * 24)
#define SWEEP 1024
#define LISTED 32
#define NEVER (1LL << 62)
#define WAIT_POLLS 10000

enum { BUDGET, END, OUTSIDE, STOP, STP, WAI, INTERRUPT, TOUCHED, FULL };
enum { NMI = 1, IRQ = 2, ABORT = 4, RESET = 8 };

IMPORT("read") extern i32 host_read(i32 address, i64 clock, i32 pc);
IMPORT("write") extern i32 host_write(i32 address, i32 value, i64 clock, i32 pc);
IMPORT("poll") extern i32 host_poll(i64 clock);

#define TABLES
#include "cpu_ops.h"
#undef TABLES

/* What the host sets and reads; cpu_wasm.py knows the order. */
static struct {
    i64 clock, event, cycles;
    i32 a, x, y, s, d, db, pc, p, e;
    i32 pending, budget, left, why, journal, steps, bus, telling, ranges, stops, storage, marks, sweeping;
} C;

struct door { u32 bias, clocks; };
static struct door read_doors[PAGES], write_doors[PAGES], kept_doors[PAGES];
static i32 reads[PAGES], writes[PAGES], clocks[PAGES];
static i32 range_from[RANGES], range_to[RANGES], stop_at[RANGES];
static u32 journal[JOURNAL];
static u8 before[JOURNAL];
static struct { i32 a, x, y, s, d, db, pc, p, e, pad; i64 cycles, clock; } steps[STEPS];
static struct { u32 place, value; } bus[BUS];
/* By the clocks of a fetch (6, 8, 12) and the state: what an opcode costs before its body runs. */
static struct decoded { u16 id, cost; u8 length, cycles, fetches, pad; u32 mask, none; } decoded[3][16][256 + 4];
static const i32 SPEEDS[3] = {6, 8, 12};
static struct { i32 a, x, y, s, d, db, pc, p, e, pokes, poke[8]; } starts[SWEEP];
static struct {
    u16 a, x, y, s, d, pc;
    u8 db, pb, p, e, why, listed, more, none;
    u32 instructions, cycles, clocks, writes[LISTED];
} results[SWEEP];

static i64 soon;
static i32 touched, full;
static u32 logged;
static u32 logged_writes[LISTED];
static i32 low_end;
static u32 room;

EXPORT("layout") u32 layout(i32 which) {
    u32 places[] = {(u32)&C, (u32)read_doors, (u32)write_doors, (u32)reads, (u32)writes, (u32)clocks, (u32)range_from,
                    (u32)range_to, (u32)stop_at, (u32)journal, (u32)steps, (u32)bus, (u32)starts, (u32)results};
    return places[which];
}

EXPORT("prepare") void prepare(void) {
    for (i32 speed = 0; speed < 3; speed++)
        for (i32 state = 0; state < 16; state++)
            for (i32 code = 0; code < 260; code++) {
                const u8 *own = OPERATIONS[IDS[state & 7][code]];
                i32 deep = own[3] & state >> 3, cost = own[4] * SPEEDS[speed] + 6 * (own[1] + deep);
                struct decoded made = {IDS[state & 7][code], cost, own[0], own[2] + deep, own[4], 0,
                                       own[0] ? (1 << 8 * (own[0] - 1)) - 1 : 0, 0};
                decoded[speed][state][code] = made;
            }
}

static inline i32 time_of(i32 address) {
    i32 found = clocks[address >> 13];
    return found ? found : (address & 0xFFFF) >= 0x4000 && (address & 0xFFFF) < 0x4200 ? 12 : 6;
}

static inline u8 *at(u32 offset) { return (u8 *)(C.storage + offset); }

static void note_write(u32 offset) {
    *(u8 *)(C.marks + offset) = 1;
    before[C.journal] = *at(offset);
    journal[C.journal++] = offset;
    if (C.journal > JOURNAL - 16) full = 1;
}

static SLOW i64 slow_read(i32 address, i64 clock, i32 pc) {
    i32 offset = reads[address >> 13], cost = time_of(address), value = 0;
    if (offset >= 0) value = *at(offset + (address & 8191));
    else if (C.sweeping) touched = 1;
    else value = host_read(address, clock, pc) & 255;
    return (clock + cost) << 16 | value;
}

static SLOW i64 slow_read_2(i32 first, i32 second, i64 clock, i32 pc) {
    i64 low = slow_read(first, clock, pc), high = slow_read(second, low >> 16, pc);
    return high >> 16 << 16 | (high & 255) << 8 | (low & 255);
}

static SLOW i64 slow_write(i32 address, i32 value, i64 clock, i32 pc) {
    i32 offset = writes[address >> 13], cost = time_of(address);
    if (offset < 0) {
        if (C.sweeping) touched = 1;
        else cost += host_write(address, value, clock, pc);
        return clock + cost;
    }
    offset += address & 8191;
    if (C.sweeping) {
        if (logged < LISTED) logged_writes[logged] = (u32)value << 24 | address;
        logged++;
    }
    if (!*(u8 *)(C.marks + offset)) note_write(offset);
    *at(offset) = value;
    return clock + cost;
}

static SLOW i64 slow_write_2(i32 first, i32 second, i32 one, i32 two, i64 clock, i32 pc) {
    return slow_write(second, two, slow_write(first, one, clock, pc), pc);
}

/* Why execution ends before an address, 0 when it does not; then low_end and room hold a stretch of code around it, in
 * which every instruction lies whole in one plain page and no stop is met. */
static SLOW i32 place(i32 pc) {
    i32 low = 0, high = 0x1000000;
    for (i32 number = 0; number < C.stops; number++) {
        if (stop_at[number] == pc) return STOP;
        if (stop_at[number] < pc && stop_at[number] >= low) low = stop_at[number] + 1;
        if (stop_at[number] > pc && stop_at[number] < high) high = stop_at[number];
    }
    i32 first = 0, last = C.ranges;
    while (first < last) {
        i32 half = (first + last) / 2;
        if (range_from[half] <= pc) first = half + 1;
        else last = half;
    }
    if (first == 0) return OUTSIDE;
    if (pc >= range_to[first - 1]) return pc == range_to[first - 1] ? END : OUTSIDE;
    if (low < range_from[first - 1]) low = range_from[first - 1];
    if (high > range_to[first - 1]) high = range_to[first - 1];
    if (low < (pc & ~8191)) low = pc & ~8191;
    if (high > (pc | 8191) + 1) high = (pc | 8191) + 1;
    low_end = low;
    room = read_doors[pc >> 13].clocks && high - low > 3 ? high - low - 3 : 0;
    return 0;
}

static i32 inside(i32 address) {
    for (i32 first = 0, last = C.ranges; first < last;) {
        i32 half = (first + last) / 2;
        if (address < range_from[half]) last = half;
        else if (address >= range_to[half]) first = half + 1;
        else return 1;
    }
    return 0;
}

/* The byte of code at an address; -1: outside the code, or no plain memory. */
static i32 code_byte(i32 address) {
    i32 offset = reads[address >> 13];
    return offset < 0 || !inside(address) ? -1 : *at(offset + (address & 8191));
}

static SLOW i32 attend(i64 clock, i32 masked) {
    if (touched) return -TOUCHED;
    if (full) return -FULL;
    if (clock >= C.event) C.pending = (C.pending & ~IRQ) | host_poll(clock);
    i32 taken = 0;
    if (C.pending & RESET) { C.pending &= ~RESET; taken = 4; }
    else if (C.pending & ABORT) { C.pending &= ~ABORT; taken = 3; }
    else if (C.pending & NMI) { C.pending &= ~NMI; taken = 1; }
    else if (C.pending & IRQ && !masked) taken = 2;
    soon = C.pending ? 0 : C.event;
    return taken;
}

static SLOW i64 waiting(i64 clock) {
    i64 start = clock;
    for (i32 poll = 0; poll < WAIT_POLLS; poll++) {
        if (C.pending) return clock - start;
        if (C.event >= NEVER) return -1;
        i64 steps_on = C.event > clock ? (C.event - clock + 5) / 6 : 0;
        clock += (steps_on > 1 ? steps_on : 1) * 6;
        C.pending = (C.pending & ~IRQ) | host_poll(clock);
    }
    return -1;
}

static inline i32 lost(i32 pc) {
    i32 reason = place(pc);
    return reason == OUTSIDE || reason == END;
}

#define P ((n ? 128 : 0) | (v ? 64 : 0) | (st & 3) << 4 | di | ii | (z ? 0 : 2) | c)
#define BESIDE(count) ((pc & 0xFF0000) | ((pc + count) & 0xFFFF))
#define TARGET8 ((pc & 0xFF0000) | ((nx + (i32)(signed char)o) & 0xFFFF))
#define TARGET16 ((pc & 0xFF0000) | ((nx + o) & 0xFFFF))
#define STATE row = decoded[speed][st]
#define LANDED if (lost(pc)) { why = INTERRUPT; goto out; }
#define HALT { why = STP; goto out; }
#define WAIT { i64 waited = waiting(clock); if (waited < 0) { why = WAI; goto out; } \
    clock += waited; cycles += waited / 6; event = 0; }

static SLOW void seen(u32 address, i32 value, i32 kind) {
    if (!C.telling) return;
    bus[C.bus].place = (address & 0xFFFFFF) | kind << 24;
    bus[C.bus++].value = value;
}

static SLOW i64 told_read(i32 address, i64 clock, i32 pc) {
    i64 both = slow_read(address, clock, pc);
    seen(address, both & 255, 1);
    return both;
}

static SLOW i64 told_read_2(i32 first, i32 second, i32 kind, i64 clock, i32 pc) {
    i64 both = slow_read_2(first, second, clock, pc);
    seen(first, both & 255, kind);
    seen(second, both >> 8 & 255, kind);
    return both;
}

static SLOW i64 told_write(i32 address, i32 value, i64 clock, i32 pc) {
    clock = slow_write(address, value, clock, pc);
    seen(address, value, 9);
    return clock;
}

static SLOW i64 told_write_2(i32 low, i32 high, i32 value, i32 high_first, i64 clock, i32 pc) {
    i32 first = high_first ? high : low, second = high_first ? low : high;
    i32 one = high_first ? value >> 8 : value & 255, two = high_first ? value & 255 : value >> 8;
    clock = slow_write_2(first, second, one, two, clock, pc);
    seen(first, one, 9);
    seen(second, two, 9);
    return clock;
}

#define RUN run
#include "cpu_loop.h"
#undef RUN
#define TOLD
#define RUN record
#include "cpu_loop.h"

static void unmark(i32 back) {
    for (i32 number = 0; number < C.journal; number++) {
        *(u8 *)(C.marks + journal[number]) = 0;
        if (back) *at(journal[number]) = before[number];
    }
    full = 0;
}

EXPORT("run") void run_export(void) {
    run();
    unmark(0);
}

EXPORT("record") void record_export(void) {
    record();
    unmark(0);
}

/* After an exception in the host. */
EXPORT("recover") void recover(void) { unmark(0); }

EXPORT("sweep") void sweep(i32 count, i32 budget, i64 clock) {
    C.sweeping = 1;
    __builtin_memcpy(kept_doors, write_doors, sizeof write_doors);
    __builtin_memset(write_doors, 0, sizeof write_doors); /* every write takes the slow door and is listed */
    for (i32 number = 0; number < count; number++) {
        C.a = starts[number].a; C.x = starts[number].x; C.y = starts[number].y; C.s = starts[number].s;
        C.d = starts[number].d; C.db = starts[number].db; C.pc = starts[number].pc; C.p = starts[number].p;
        C.e = starts[number].e;
        if (C.e) { C.p |= 0x30; C.s = 0x100 | (C.s & 255); }
        if (C.p & 0x10) { C.x &= 255; C.y &= 255; }
        C.clock = clock; C.event = NEVER; C.pending = 0; C.budget = budget;
        for (i32 poke = 0; poke < starts[number].pokes; poke++)
            slow_write(starts[number].poke[poke] & 0xFFFFFF, (u32)starts[number].poke[poke] >> 24, 0, 0);
        logged = 0;
        run();
        if (C.why == FULL) C.why = TOUCHED;
        __builtin_memset(&results[number], 0, sizeof results[number]);
        results[number].why = C.why;
        if (C.why != TOUCHED) {
            results[number].a = C.a; results[number].x = C.x; results[number].y = C.y; results[number].s = C.s;
            results[number].d = C.d; results[number].pc = C.pc; results[number].db = C.db;
            results[number].pb = C.pc >> 16; results[number].p = C.p; results[number].e = C.e;
            results[number].listed = logged < LISTED ? logged : LISTED;
            results[number].more = logged > LISTED;
            results[number].instructions = budget - C.left; results[number].cycles = C.cycles;
            results[number].clocks = C.clock - clock;
            __builtin_memcpy(results[number].writes, logged_writes, results[number].listed * 4);
        }
        unmark(1);
        C.journal = 0;
    }
    __builtin_memcpy(write_doors, kept_doors, sizeof write_doors);
    C.sweeping = 0;
}

#define MEMORY_INTRINSICS
void *memset(void *to, int value, unsigned long count) {
    for (u8 *next = to; count--;) *next++ = value;
    return to;
}
void *memcpy(void *to, const void *from, unsigned long count) {
    u8 *next = to;
    for (const u8 *old = from; count--;) *next++ = *old++;
    return to;
}
