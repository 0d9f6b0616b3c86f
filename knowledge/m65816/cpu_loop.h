/* The loop of the CPU, included by cpu_wasm.c: quick, or with TOLD defined the one that tells every cycle. */

#undef R8
#undef R16_AT
#undef W8
#undef W16_AT
#undef IDLE_FIRST
#undef IDLE_LATER
#undef IDLE_SOME
#undef IDLE_DEEP
#undef FETCHED
#undef NOTE

#ifdef TOLD
#define FETCHED(count) seen(BESIDE(count), *at(reads[BESIDE(count) >> 13] + (BESIDE(count) & 8191)), 2)
#define IDLE_DEEP(address) if (st & 8) seen(address, -1, 0)
#define NOTE(opcode) { \
    steps[C.steps].a = a; steps[C.steps].x = x; steps[C.steps].y = y; steps[C.steps].s = s; steps[C.steps].d = d; \
    steps[C.steps].db = db >> 16; steps[C.steps].pc = pc; steps[C.steps].p = P; steps[C.steps].e = st >> 2 & 1; \
    steps[C.steps].cycles = cycles; steps[C.steps].clock = clock; C.steps++; seen(pc, opcode, 3); }
#define IDLE_FIRST(address) seen(address, -1, 0)
#define IDLE_LATER(address) seen(address, -1, 0); clock += 6
#define IDLE_SOME(address) seen(address, -1, 0); clock += 6; cycles++
#define R8(address) (both = told_read(address, clock, pc), clock = both >> 16, event = 0, (i32)(both & 255))
#define R16_AT(address, second, kind) \
    (both = told_read_2(address, second, kind, clock, pc), clock = both >> 16, event = 0, (i32)(both & 65535))
#define W8(address, what) clock = told_write(address, what, clock, pc); event = 0
#define W16_AT(address, second, what, high_first) \
    clock = told_write_2(address, second, what, high_first, clock, pc); event = 0
#else
#define NOTE(opcode)
#define FETCHED(count)
#define IDLE_DEEP(address)
#define IDLE_FIRST(address)
#define IDLE_LATER(address) clock += 6
#define IDLE_SOME(address) clock += 6; cycles++
#define R8(address) ({ i32 ea_ = (address), t_; struct door door_ = read_doors[ea_ >> 13]; \
    if (LIKELY(door_.clocks)) { t_ = *(u8 *)(door_.bias + ea_); clock += door_.clocks; } \
    else { i64 both_ = slow_read(ea_, clock, pc); t_ = both_ & 255; clock = both_ >> 16; event = 0; } \
    t_; })
#define R16_AT(address, second, kind) ({ i32 ea_ = (address), t_; struct door door_ = read_doors[ea_ >> 13]; \
    if (LIKELY(door_.clocks && (ea_ & 8191) != 8191)) { \
        t_ = *(u16 *)(door_.bias + ea_); clock += door_.clocks * 2; } \
    else { i64 both_ = slow_read_2(ea_, second, clock, pc); t_ = both_ & 65535; clock = both_ >> 16; event = 0; } \
    t_; })
#define W8(address, what) { i32 ea_ = (address), v_ = (what); struct door door_ = write_doors[ea_ >> 13]; \
    u32 i_ = door_.bias + ea_; \
    if (LIKELY(door_.clocks && *(u8 *)(i_ + marked))) { *(u8 *)i_ = v_; clock += door_.clocks; } \
    else { clock = slow_write(ea_, v_, clock, pc); event = 0; } }
#define W16_AT(address, second, what, high_first) { i32 ea_ = (address), v_ = (what); \
    struct door door_ = write_doors[ea_ >> 13]; \
    u32 i_ = door_.bias + ea_; \
    if (LIKELY(door_.clocks && *(u16 *)(i_ + marked) == 0x101 && (ea_ & 8191) != 8191)) { \
        *(u16 *)i_ = v_; clock += door_.clocks * 2; } \
    else if (high_first) { clock = slow_write_2(second, ea_, v_ >> 8, v_ & 255, clock, pc); event = 0; } \
    else { clock = slow_write_2(ea_, second, v_ & 255, v_ >> 8, clock, pc); event = 0; } }
#endif

static void RUN(void) {
    i32 a = C.a, x = C.x, y = C.y, s = C.s, d = C.d, db = C.db << 16, pc = C.pc, o = 0, nx = 0, why = BUDGET;
    i32 n = C.p & 128, v = C.p & 64, di = C.p & 8, ii = C.p & 4, z = C.p & 2 ? 0 : 1, c = C.p & 1;
    i32 st = (C.p >> 4 & 3) | (C.e ? 4 : 0) | (d & 255 ? 8 : 0);
    i32 t = 0, u = 0, r = 0, q = 0, ea = 0, id = 0, left = C.budget, start = 0, speed = 0;
    u32 marked = C.marks - C.storage, span = 0, code = 0;
    i64 clock = C.clock, event = 0, cycles = 0, both = 0;
    const struct decoded *row = decoded[speed][st];
    touched = 0;
    (void)both, (void)marked;
    while (left) {
        left--;
        if (__builtin_expect(clock >= event, 0)) {
            i32 taken = attend(clock, ii);
            event = soon;
            span = 0;
            if (taken < 0) { why = -taken; left++; goto out; }
            if (taken) {
                const struct decoded *made = &row[255 + taken];
                NOTE(reads[pc >> 13] < 0 ? 0 : *at(reads[pc >> 13] + (pc & 8191)));
                id = made->id;
                clock += time_of(pc) - SPEEDS[speed] + made->cost;
                cycles += made->cycles;
                nx = pc;
                goto found;
            }
        }
        {
            const struct decoded *made;
            i32 cost;
            if (LIKELY((u32)(pc - start) < span)) {
                u32 word = *(u32 *)(code + pc);
                made = &row[word & 255];
                o = word >> 8 & made->mask;
                cost = made->cost;
            } else {
                i32 reason = place(pc);
                if (!reason && code_byte(pc) < 0) reason = OUTSIDE;
                if (reason) { why = reason; left++; goto out; }
                start = low_end;
                span = room;
                code = read_doors[pc >> 13].bias;
                speed = time_of(pc) >> 2;
                speed = speed < 3 ? speed - 1 : 2;
                row = decoded[speed][st];
                if (SPEEDS[speed] != time_of(pc)) span = 0;
                made = &row[code_byte(pc)];
                o = 0;
                cost = made->cost - made->fetches * SPEEDS[speed] + time_of(pc);
                for (i32 number = 1; number < made->length; number++) {
                    i32 byte = code_byte(BESIDE(number));
                    if (byte < 0) { why = OUTSIDE; left++; goto out; }
                    o |= byte << 8 * (number - 1);
                    if (number < made->fetches) cost += time_of(BESIDE(number));
                }
            }
            NOTE(made - row);
            id = made->id;
            nx = (pc & 0xFF0000) | ((pc + made->length) & 0xFFFF);
            clock += cost;
            cycles += made->cycles;
        }
    found:
        switch (id) {
#include "cpu_ops.h"
        }
    }
out:
    if (touched) why = TOUCHED;
    C.a = a; C.x = x; C.y = y; C.s = s; C.d = d; C.db = db >> 16; C.pc = pc; C.p = P; C.e = st >> 2 & 1;
    C.clock = clock; C.cycles = cycles; C.left = left; C.why = why;
}
