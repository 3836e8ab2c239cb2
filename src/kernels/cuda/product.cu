// Matrix products by register tiles over shared memory: C[m, n] = Σ_k A(m, k) · B(k, n), k from `begin` to `end` in order.
//
// `a.place(m)` and `b.place(n)` work out what the elements of a row or a column have in common, once; `a.at(place, k)` and
// `b.at(place, k)` read them, 0 outside. `store(m, n, sums)` takes TM neighbouring rows of one column. 256 threads.

// A row or column of an operand: where it begins, the pixel or the tap that it belongs to, whether it is there.
struct Place {
    int base, y, x;
    bool is_there;
};

// The part of a tile that one thread brings: SIZE × BK elements, neighbours in memory to neighbouring threads.
template <int SIZE, int BK, bool BY_K>
struct Share {
    static const int COUNT = SIZE * BK < THREADS ? 1 : SIZE * BK / THREADS, PLACES = BY_K ? COUNT : 1;
    static const int PITCH = SIZE + (BY_K ? 1 : 0);
    Place places[PLACES];

    __device__ inline static int position(int share) {
        return BY_K ? threadIdx.x / BK + share * (THREADS / BK) : threadIdx.x % SIZE;
    }
    __device__ inline static int depth(int share) {
        return BY_K ? threadIdx.x % BK : threadIdx.x / SIZE + share * (THREADS / SIZE);
    }
    template <class Operand>
    __device__ inline void prepare(int first, const Operand& operand) {
#pragma unroll
        for (int i = 0; i < PLACES; i++) places[i] = operand.place(first + position(i));
    }
    template <class Operand>
    __device__ inline void bring(int start, int end, const Operand& operand, float* tile) const {
        if (SIZE * BK < THREADS && threadIdx.x >= SIZE * BK) return;
#pragma unroll
        for (int i = 0; i < COUNT; i++) {
            const Place& place = places[BY_K ? i : 0];
            int k = start + depth(i);
            tile[depth(i) * PITCH + position(i)] = place.is_there && k < end ? operand.at(place, k) : 0.0f;
        }
    }
};

template <int BM, int BN, int BK, int TM, int TN, bool A_BY_K, bool B_BY_K, class A, class B, class Store>
__device__ inline void product(int tile_m, int tile_n, int begin, int end, const A& a, const B& b,
                               const Store& store, float* shared) {
    static_assert((BM / TM) * (BN / TN) == THREADS, "one tile for each thread");
    typedef Share<BM, BK, A_BY_K> ShareA;
    typedef Share<BN, BK, B_BY_K> ShareB;
    float* tile_a = shared;
    float* tile_b = shared + BK * ShareA::PITCH;
    const int row = threadIdx.x / (BN / TN) * TM, column = threadIdx.x % (BN / TN) * TN;
    ShareA share_a;
    ShareB share_b;
    share_a.prepare(tile_m * BM, a);
    share_b.prepare(tile_n * BN, b);
    float sums[TN][TM];
#pragma unroll
    for (int j = 0; j < TN; j++)
#pragma unroll
        for (int i = 0; i < TM; i++) sums[j][i] = 0.0f;
    for (int start = begin; start < end; start += BK) {
        share_a.bring(start, end, a, tile_a);
        share_b.bring(start, end, b, tile_b);
        __syncthreads();
#pragma unroll
        for (int k = 0; k < BK; k++) {
            float left[TM], right[TN];
#pragma unroll
            for (int i = 0; i < TM; i++) left[i] = tile_a[k * ShareA::PITCH + row + i];
#pragma unroll
            for (int j = 0; j < TN; j++) right[j] = tile_b[k * ShareB::PITCH + column + j];
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
