// CUDA C++ on a processor: a thread of a block is a fibre, a barrier a switch. Stands before the text of the kernels.
//
// Threads start in a given order and run until they wait; blocks run in the same order. Shared memory holds NaN when a block
// starts. Everything is per system thread.

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
using std::abs;

#define __device__
#define __global__
#define __launch_bounds__(...)
#define __align__(n)
#define __shared__ thread_local

struct Index {
    unsigned x, y, z;
};
static thread_local Index threadIdx, blockIdx, gridDim;
alignas(16) thread_local double shared[6144];

static inline float __int_as_float(int bits) {
    float value;
    std::memcpy(&value, &bits, 4);
    return value;
}

// Copies that are under way arrive when their thread waits for them, and not before.
struct Copy {
    float* to;
    const float* from;
    bool is_there;
};
static thread_local Copy copies[256][64];
static thread_local int n_copies[256];

static inline void copy_async(float* to, const float* from, bool is_there) {
    int thread = threadIdx.x;
    if (n_copies[thread] == 64) std::abort();
    copies[thread][n_copies[thread]++] = Copy{to, from, is_there};
}

static inline void copies_done() {
    int thread = threadIdx.x;
    for (int i = 0; i < n_copies[thread]; i++) {
        const Copy& copy = copies[thread][i];
        *copy.to = copy.is_there ? *copy.from : 0.0f;
    }
    n_copies[thread] = 0;
}

namespace fibres {
const int MOST = 256, WARP_SIZE = 32;
const size_t STACK = 256 * 1024;
enum State { FRESH, RUNNING, AT_BLOCK, AT_WARP, READY, DONE };

struct Fibre {
    void* stack_pointer = nullptr;
    char* stack = nullptr;
    int thread = -1;
};

struct Launch {
    void (*run)(void*) = nullptr;
    void* argument = nullptr;
};

static thread_local Fibre pool[MOST];
static thread_local Fibre* of_thread[MOST];
static thread_local Fibre* idle[MOST];
static thread_local int n_idle = 0;
static thread_local bool is_ready = false;
static thread_local State state[MOST];
static thread_local int order[MOST];
static thread_local int n_threads, next_fresh, n_live;
static thread_local void* scheduler = nullptr;
static thread_local Fibre* current = nullptr;
static thread_local Launch launch;
static thread_local unsigned turn[MOST];
static thread_local uint64_t slots[2][MOST];

extern "C" void switch_stack(void** from, void* to);
asm(R"(
.text
.type switch_stack, @function
switch_stack:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
)");

// Runs one fresh thread after the other until one waits; then this fibre is that thread's until it ends.
static void work() {
    for (;;) {
        while (next_fresh < n_threads) {
            int thread = order[next_fresh++];
            current->thread = thread;
            of_thread[thread] = current;
            state[thread] = RUNNING;
            threadIdx.x = thread;
            launch.run(launch.argument);
            state[current->thread] = DONE;
            n_live--;
        }
        Fibre* self = current;
        idle[n_idle++] = self;
        switch_stack(&self->stack_pointer, scheduler);
    }
}

static void prepare() {
    if (is_ready) return;
    for (int i = 0; i < MOST; i++) {
        pool[i].stack = (char*)std::aligned_alloc(64, STACK);
        // A function is entered with its stack 8 bytes off a multiple of 16.
        void** top = (void**)(pool[i].stack + STACK) - 1;
        *--top = (void*)work;
        for (int saved = 0; saved < 6; saved++) *--top = nullptr;
        pool[i].stack_pointer = top;
        idle[n_idle++] = &pool[i];
    }
    is_ready = true;
}

static void resume(Fibre* fibre) {
    current = fibre;
    if (fibre->thread >= 0 && state[fibre->thread] == READY) {
        state[fibre->thread] = RUNNING;
        threadIdx.x = fibre->thread;
    }
    switch_stack(&scheduler, fibre->stack_pointer);
}

static void wait_as(State waiting) {
    Fibre* self = current;
    state[self->thread] = waiting;
    switch_stack(&self->stack_pointer, scheduler);
}

// Lets threads go on that wait for nobody any more; whether there are any.
static bool release() {
    bool all_at_block = true, any = false;
    for (int i = 0; i < n_threads; i++) all_at_block &= state[i] == AT_BLOCK || state[i] == DONE;
    for (int i = 0; i < n_threads && all_at_block; i++)
        if (state[i] == AT_BLOCK) state[i] = READY, any = true;
    for (int warp = 0; warp * WARP_SIZE < n_threads; warp++) {
        int end = (warp + 1) * WARP_SIZE < n_threads ? (warp + 1) * WARP_SIZE : n_threads;
        bool all = true, some = false;
        for (int i = warp * WARP_SIZE; i < end; i++) {
            all &= state[i] == AT_WARP || state[i] == DONE;
            some |= state[i] == AT_WARP;
        }
        for (int i = warp * WARP_SIZE; i < end && all && some; i++)
            if (state[i] == AT_WARP) state[i] = READY, any = true;
    }
    return any;
}

static int run_block() {
    next_fresh = 0;
    n_live = n_threads;
    for (int i = 0; i < n_threads; i++) state[i] = FRESH;
    std::memset(shared, 0xff, sizeof shared);
    while (n_live > 0) {
        if (next_fresh < n_threads) {
            Fibre* fibre = idle[--n_idle];
            fibre->thread = -1;
            resume(fibre);
            continue;
        }
        bool any = false;
        for (int i = 0; i < n_threads; i++) {
            int thread = order[i];
            if (state[thread] == READY) {
                any = true;
                resume(of_thread[thread]);
            }
        }
        if (!any && n_live > 0 && !release()) return 1;
    }
    return 0;
}
}  // namespace fibres

static inline void __syncthreads() { fibres::wait_as(fibres::AT_BLOCK); }
static inline void __syncwarp(unsigned = 0xffffffffu) { fibres::wait_as(fibres::AT_WARP); }

template <class T>
static inline T __shfl_xor_sync(unsigned, T value, int lane_mask) {
    int thread = threadIdx.x;
    unsigned turn = fibres::turn[thread]++ & 1;
    uint64_t bits = 0;
    std::memcpy(&bits, &value, sizeof value);
    fibres::slots[turn][thread] = bits;
    fibres::wait_as(fibres::AT_WARP);
    T result;
    std::memcpy(&result, &fibres::slots[turn][thread ^ lane_mask], sizeof result);
    return result;
}

// Ten bits of mantissa, ties away from zero.
static inline unsigned to_tf32(float x) {
    unsigned bits;
    std::memcpy(&bits, &x, 4);
    if (x != x) return 0x7fffffffu;
    return (bits + 0x1000u) & 0xffffe000u;
}

// Products of a warp: each lane gives its elements of both factors, and sums its elements of the result.
static thread_local float factors[256][6];
static inline void multiply_add(float& c0, float& c1, float& c2, float& c3, unsigned a0, unsigned a1, unsigned a2, unsigned a3,
                                unsigned b0, unsigned b1) {
    int thread = threadIdx.x, lane = thread % 32, warp = thread - lane;
    unsigned bits[6] = {a0, a1, a2, a3, b0, b1};
    std::memcpy(factors[thread], bits, sizeof bits);
    fibres::wait_as(fibres::AT_WARP);
    auto element = [&](float c, int row, int column) {
        double sum = c;
        for (int k = 0; k < 8; k++) {
            float a = factors[warp + row % 8 * 4 + k % 4][k / 4 * 2 + row / 8];
            float b = factors[warp + column * 4 + k % 4][4 + k / 4];
            sum += (double)a * b;
        }
        return (float)sum;
    };
    int row = lane / 4, column = lane % 4 * 2;
    c0 = element(c0, row, column);
    c1 = element(c1, row, column + 1);
    c2 = element(c2, row + 8, column);
    c3 = element(c3, row + 8, column + 1);
    fibres::wait_as(fibres::AT_WARP);
}

// Float atomics are what no kernel may use; the tests of the harness plant one.
static inline float atomicAdd(float* to, float value) {
    float before = *to;
    *to = before + value;
    return before;
}

typedef void (*Kernel)(float*, size_t, const int*, size_t, const unsigned char*, double*);

struct Arguments {
    Kernel kernel;
    float* memory;
    size_t stride;
    const int* feeds;
    size_t feed_stride;
    const unsigned char* bytes;
    double* reports;
};

static void run_thread(void* argument) {
    Arguments& a = *(Arguments*)argument;
    a.kernel(a.memory, a.stride, a.feeds, a.feed_stride, a.bytes, a.reports);
}

// A permutation of 0 .. n: in order, backwards, or shuffled.
static void permute(int kind, int n, int* out) {
    for (int i = 0; i < n; i++) out[i] = kind == 1 ? n - 1 - i : i;
    uint32_t random = 12345;
    for (int i = n - 1; kind == 2 && i > 0; i--) {
        random = random * 1664525u + 1013904223u;
        int other = random % (uint32_t)(i + 1), kept = out[i];
        out[i] = out[other];
        out[other] = kept;
    }
}

// Runs a kernel; 1 where threads wait for each other in vain.
extern "C" int emulate(Arguments* arguments, unsigned blocks, unsigned replicas, int kind) {
    fibres::prepare();
    fibres::n_threads = 256;
    permute(kind, 256, fibres::order);
    fibres::launch.run = run_thread;
    fibres::launch.argument = arguments;
    gridDim = {blocks, 1, replicas};
    int* order = (int*)std::malloc(sizeof(int) * (blocks * replicas + 1));
    permute(kind, (int)(blocks * replicas), order);
    int failed = 0;
    for (unsigned i = 0; i < blocks * replicas && !failed; i++) {
        blockIdx = {(unsigned)order[i] % blocks, 0, (unsigned)order[i] / blocks};
        failed = fibres::run_block();
    }
    std::free(order);
    return failed;
}
