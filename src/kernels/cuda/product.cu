// Matrix products by register tiles over shared memory: C[m, n] = Σ_k A(m, k) · B(k, n), k from `begin` to `end` in order.
//
// `a(m, k)` and `b(k, n)` give 0 outside. `store(m, n, sums)` takes TM neighbouring rows of one column. 256 threads.

template <int BM, int BN, int BK, int TM, int TN, bool A_BY_K, bool B_BY_K, class A, class B, class Store>
__device__ inline void product(int tile_m, int tile_n, int begin, int end, const A& a, const B& b,
                               const Store& store, float* shared) {
    static_assert((BM / TM) * (BN / TN) == THREADS, "one tile for each thread");
    const int PITCH_A = BM + (A_BY_K ? 1 : 0), PITCH_B = BN + (B_BY_K ? 1 : 0);
    float* tile_a = shared;
    float* tile_b = shared + BK * PITCH_A;
    const int thread = threadIdx.x;
    const int row = thread / (BN / TN) * TM, column = thread % (BN / TN) * TN;
    float sums[TN][TM];
#pragma unroll
    for (int j = 0; j < TN; j++)
#pragma unroll
        for (int i = 0; i < TM; i++) sums[j][i] = 0.0f;
    // An element of a tile has one thread: neighbouring threads take what neighbours in memory.
    for (int start = begin; start < end; start += BK) {
        for (int at = thread; at < BM * BK; at += THREADS) {
            int m = A_BY_K ? at / BK : at % BM, k = A_BY_K ? at % BK : at / BM;
            tile_a[k * PITCH_A + m] = start + k < end ? a(tile_m * BM + m, start + k) : 0.0f;
        }
        for (int at = thread; at < BN * BK; at += THREADS) {
            int n = B_BY_K ? at / BK : at % BN, k = B_BY_K ? at % BK : at / BN;
            tile_b[k * PITCH_B + n] = start + k < end ? b(start + k, tile_n * BN + n) : 0.0f;
        }
        __syncthreads();
#pragma unroll
        for (int k = 0; k < BK; k++) {
            float left[TM], right[TN];
#pragma unroll
            for (int i = 0; i < TM; i++) left[i] = tile_a[k * PITCH_A + row + i];
#pragma unroll
            for (int j = 0; j < TN; j++) right[j] = tile_b[k * PITCH_B + column + j];
#pragma unroll
            for (int j = 0; j < TN; j++)
#pragma unroll
                for (int i = 0; i < TM; i++) sums[j][i] = fmaf(left[i], right[j], sums[j][i]);
        }
        __syncthreads();
    }
#pragma unroll
    for (int j = 0; j < TN; j++) store(tile_m * BM + row, tile_n * BN + column + j, sums[j]);
}
