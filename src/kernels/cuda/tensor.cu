// Products on tensor cores: factors are rounded to TF32 (8 bits of exponent, 10 of mantissa; ties away from zero), sums are f32.
//
// A warp multiplies 16 × 8 pieces of k by instructions that want the elements of a piece in certain lanes. Rows and columns of a piece
// may be any of a tile: they are taken such that a thread gets neighbours, as in `Plain`. Sums run over k in eights.

#ifdef __CUDACC__
__device__ inline unsigned to_tf32(float x) {
    unsigned bits;
    asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(x));
    return bits;
}

// c += A · B, 16 × 8 by 8 × 8. Of lane l: a0 (row l / 4, k l % 4), a1 eight rows on, a2 and a3 four k on; b0 (k l % 4, column l / 4), b1
// four k on; c0 and c1 (row l / 4, columns l % 4 · 2 and the next), c2 and c3 eight rows on.
__device__ inline void multiply_add(float& c0, float& c1, float& c2, float& c3, unsigned a0, unsigned a1, unsigned a2,
                                    unsigned a3, unsigned b0, unsigned b1) {
    asm volatile(
        "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(c0), "+f"(c1), "+f"(c2), "+f"(c3)
        : "r"(a0), "r"(a1), "r"(a2), "r"(a3), "r"(b0), "r"(b1));
}
#endif

// A thread has TM rows that follow one another, and TN columns: TM / 2 · TN / 2 pieces a warp.
template <int BM_, int BN_, int TM_, int TN_>
struct Tensor {
    static const int BM = BM_, BN = BN_, TM = TM_, TN = TN_;
    static const int WARP_M = 8 * TM, WARP_N = 4 * TN, ACROSS = BN / WARP_N, PIECES_M = TM / 2, PIECES_N = TN / 2;
    static_assert(TM % 2 == 0 && TN % 2 == 0, "whole pieces");
    static_assert((BM / WARP_M) * ACROSS * WARP == THREADS, "one rectangle for each warp");

    __device__ constexpr static int margin(bool) { return 4; }
    __device__ inline static int warp_row() { return threadIdx.x / WARP / ACROSS * WARP_M; }
    __device__ inline static int warp_column() { return threadIdx.x / WARP % ACROSS * WARP_N; }
    __device__ inline static int row() { return warp_row() + threadIdx.x % WARP / 4 * TM; }
    __device__ inline static int column(int j) { return warp_column() + threadIdx.x % 4 * TN + j; }

    template <int BK, int PITCH_A, int PITCH_B>
    __device__ inline static void multiply(const float* a, const float* b, float (&sums)[TN][TM]) {
        const int down = threadIdx.x % 4, along = warp_column() + threadIdx.x % WARP / 4 * PIECES_N;
#pragma unroll
        for (int k = 0; k < BK; k += 8) {
            unsigned left[2][TM], right[2][PIECES_N];
#pragma unroll
            for (int half = 0; half < 2; half++) {
                const int at = k + half * 4 + down;
                const Run<TM> of_a = *(const Run<TM>*)(a + at * PITCH_A + row());
                const Run<PIECES_N> of_b = *(const Run<PIECES_N>*)(b + at * PITCH_B + along);
#pragma unroll
                for (int i = 0; i < TM; i++) left[half][i] = to_tf32(of_a.of[i]);
#pragma unroll
                for (int j = 0; j < PIECES_N; j++) right[half][j] = to_tf32(of_b.of[j]);
            }
#pragma unroll
            for (int j = 0; j < PIECES_N; j++)
#pragma unroll
                for (int i = 0; i < PIECES_M; i++) {
                    float(&first)[TM] = sums[j];
                    float(&second)[TM] = sums[j + PIECES_N];
                    multiply_add(first[2 * i], second[2 * i], first[2 * i + 1], second[2 * i + 1], left[0][2 * i],
                                 left[0][2 * i + 1], left[1][2 * i], left[1][2 * i + 1], right[0][j], right[1][j]);
                }
        }
    }
};
