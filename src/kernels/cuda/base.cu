// What every program needs: constants, the call of a step, functions of numbers.
// No header is included: NVRTC brings none.

#define THREADS 256
#define WARP 32
#define REPORT 16 // numbers that a replica reports
#define ALL_LANES 0xffffffffu
#define INF __int_as_float(0x7f800000)
#define NOT_A_NUMBER __int_as_float(0x7fffffff)

// What the host tells of one step of one replica; the first words of its feed.
struct Call {
    double lr;
    double step;
    unsigned long long seed;
    int n;          // samples of the batch
    int is_raw;     // 1: bytes are decoded here, 0: the input is there already
    int is_moved;   // 1: every sample has a window
    int unused;     // words come in pairs
};

// Neighbouring floats that are read at once.
template <int N>
struct alignas(N % 4 == 0 ? 16 : N % 2 == 0 ? 8 : 4) Run {
    float of[N];
};

// Where the pixels of a sample come from; see `augment.rs`.
struct Window {
    int dy, dx, flip, top, bottom, left, right, has_hole;
};

// Element-wise functions. A NaN stays a NaN, but where only the sign matters.
#define FUNCTIONS(T, EXP, LOG, SQRT, POW, TANH, FABS, ERFC)                                              \
    __device__ inline T f_neg(T x) { return -x; }                                                        \
    __device__ inline T f_abs(T x) { return FABS(x); }                                                   \
    __device__ inline T f_exp(T x) { return EXP(x); }                                                    \
    __device__ inline T f_log(T x) { return LOG(x); }                                                    \
    __device__ inline T f_sqrt(T x) { return SQRT(x); }                                                  \
    __device__ inline T f_square(T x) { return x * x; }                                                  \
    __device__ inline T f_power(T x, T p) { return POW(x, p); }                                          \
    __device__ inline T f_sign(T x) { return x > 0 ? (T)1 : x < 0 ? (T)-1 : x; }                         \
    __device__ inline T f_step(T x) { return x > 0 ? (T)1 : 0 * x; }                                     \
    __device__ inline T f_relu(T x) { return x <= 0 ? (T)0 : x; }                                        \
    __device__ inline T f_leaky_relu(T x, T slope) { return x > 0 ? x : slope * x; }                     \
    __device__ inline T f_leaky_step(T x, T slope) { return x > 0 ? (T)1 : slope; }                      \
    __device__ inline T f_tanh(T x) { return TANH(x); }                                                  \
    __device__ inline T f_sigmoid(T x) {                                                                 \
        T e = EXP(x >= 0 ? -x : x);                                                                      \
        return x >= 0 ? 1 / (1 + e) : e / (1 + e);                                                       \
    }                                                                                                    \
    __device__ inline T normal_cdf(T x) { return (T)0.5 * ERFC(-x * (T)0.70710678118654752440); }        \
    __device__ inline T f_gelu(T x) { return x * normal_cdf(x); }                                        \
    __device__ inline T f_gelu_grad(T x) {                                                               \
        return normal_cdf(x) + x * (T)0.39894228040143267794 * EXP((T)-0.5 * x * x);                     \
    }                                                                                                    \
    __device__ inline T f_silu(T x) { return x * f_sigmoid(x); }                                         \
    __device__ inline T f_silu_grad(T x) {                                                               \
        T s = f_sigmoid(x);                                                                              \
        return s + x * s * (1 - s);                                                                      \
    }                                                                                                    \
    __device__ inline T f_add(T a, T b) { return a + b; }                                                \
    __device__ inline T f_sub(T a, T b) { return a - b; }                                                \
    __device__ inline T f_mul(T a, T b) { return a * b; }                                                \
    __device__ inline T f_div(T a, T b) { return a / b; }                                                \
    __device__ inline T f_max(T a, T b) { return a >= b || a != a ? a : b; }                             \
    __device__ inline T f_min(T a, T b) { return a <= b || a != a ? a : b; }                             \
    __device__ inline T f_pow(T a, T b) { return POW(a, b); }                                            \
    __device__ inline T f_ge(T a, T b) { return a >= b ? (T)1 : (T)0; }                                  \
    __device__ inline T f_gt(T a, T b) { return a > b ? (T)1 : (T)0; }                                   \
    __device__ inline T f_eq(T a, T b) { return a == b ? (T)1 : (T)0; }                                  \
    __device__ inline T f_select(T mask, T a, T b) { return mask == 0 ? b : a; }                         \
    /* Whether x takes the place of the largest value so far: the first NaN wins. */                     \
    __device__ inline bool beats(T x, T best) { return x > best || (x != x && best == best); }           \
    __device__ inline bool is_finite(T x) { return x - x == 0; }

FUNCTIONS(float, expf, logf, sqrtf, powf, tanhf, fabsf, erfcf)
FUNCTIONS(double, exp, log, sqrt, pow, tanh, fabs, erfc)

#ifdef __CUDACC__
// Copies one float to shared memory while the thread goes on, or a zero where there is none; it has arrived behind `copies_done`.
__device__ inline void copy_async(float* to, const float* from, bool is_there) {
    const unsigned address = (unsigned)__cvta_generic_to_shared(to);
    const int bytes = is_there ? 4 : 0;
    asm volatile("cp.async.ca.shared.global [%0], [%1], 4, %2;" ::"r"(address), "l"(from), "r"(bytes) : "memory");
}
__device__ inline void copies_done() { asm volatile("cp.async.wait_all;" ::: "memory"); }
#endif

// 1 − βᵗ without cancellation.
__device__ inline double bias_correction(double step, double beta) {
    return beta > 0 ? -expm1(step * log(beta)) : 1.0;
}

// Σ of partial results that lie `stride` apart, in their order.
__device__ inline float sum_parts(const float* parts, int count, int stride) {
    float sum = parts[0];
    for (int part = 1; part < count; part++) sum += parts[part * stride];
    return sum;
}
__device__ inline double sum_parts(const double* parts, int count, int stride) {
    double sum = parts[0];
    for (int part = 1; part < count; part++) sum += parts[part * stride];
    return sum;
}

// The first double of a replica's memory is not 0 once a loss was not finite: from then on nothing is kept.
__device__ inline bool is_sound(const float* memory, double loss) {
    return *(const double*)memory == 0 && is_finite(loss);
}
