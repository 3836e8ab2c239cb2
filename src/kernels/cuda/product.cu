// Matrix products by register tiles over shared memory: C[m, n] = Σ_k A(m, k) · B(k, n), k from `begin` to `end` in order.
//
// `a.place(m)` and `b.place(n)` work out what the elements of a row or a column have in common, once; `a.at(place, first, c, is_there)`
// and that of `b` say where they lie at k = first + c, and whether they do: `first` is a multiple of 16 that whole warps share, c < 16.
// `store(m, n, sums)` takes TM neighbouring rows of one column. 256 threads.
// While one slice of k is multiplied, the next one is on its way: two slices lie in shared memory.

// A row or column of an operand: where it begins, the pixel or the tap that it belongs to, whether it is there.
struct Place {
    int base, y, x;
    bool is_there;
};

// The part of a slice that one thread brings: SIZE × BK elements, neighbours in memory to neighbouring threads.
template <int SIZE, int BK, bool BY_K>
struct Share {
    static const int COUNT = SIZE * BK < THREADS ? 1 : SIZE * BK / THREADS, PLACES = BY_K ? COUNT : 1;
    static const int PITCH = SIZE + (BY_K ? 4 : 0);
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
    __device__ inline void bring(int start, int end, const Operand& operand, float* slice) const {
        if (SIZE * BK < THREADS && threadIdx.x >= SIZE * BK) return;
#pragma unroll
        for (int i = 0; i < COUNT; i++) {
            const Place& place = places[BY_K ? i : 0];
            const int first = start + (BK > 16 ? depth(i) / 16 * 16 : 0), c = BK > 16 ? depth(i) % 16 : depth(i);
            bool is_there = place.is_there && first + c < end;
            const float* from = operand.at(place, first, c, is_there);
            copy_async(slice + depth(i) * PITCH + position(i), from, is_there);
        }
    }
};

// The column of a tile that is the j-th of a thread: quarters of warps read neighbouring runs of four.
template <int BN, int TN>
__device__ inline int column_of(int j) {
    const int WIDTH = TN < 4 ? TN : 4, ACROSS = BN / TN;
    return j / WIDTH * (WIDTH * ACROSS) + threadIdx.x % ACROSS * WIDTH + j % WIDTH;
}

template <int BM, int BN, int BK, int TM, int TN, bool A_BY_K, bool B_BY_K, class A, class B, class Store>
__device__ inline void product(int tile_m, int tile_n, int begin, int end, const A& a, const B& b,
                               const Store& store, float* shared) {
    static_assert((BM / TM) * (BN / TN) == THREADS, "one tile for each thread");
    typedef Share<BM, BK, A_BY_K> ShareA;
    typedef Share<BN, BK, B_BY_K> ShareB;
    const int WIDTH = TN < 4 ? TN : 4, SLICE_A = BK * ShareA::PITCH, SLICE = SLICE_A + BK * ShareB::PITCH;
    const int row = threadIdx.x / (BN / TN) * TM;
    ShareA share_a;
    ShareB share_b;
    share_a.prepare(tile_m * BM, a);
    share_b.prepare(tile_n * BN, b);
    float sums[TN][TM];
#pragma unroll
    for (int j = 0; j < TN; j++)
#pragma unroll
        for (int i = 0; i < TM; i++) sums[j][i] = 0.0f;
    share_a.bring(begin, end, a, shared);
    share_b.bring(begin, end, b, shared + SLICE_A);
    copies_done();
    __syncthreads();
    float* slice = shared;
    float* other = shared + SLICE;
    for (int start = begin; start < end; start += BK) {
        if (start + BK < end) {
            share_a.bring(start + BK, end, a, other);
            share_b.bring(start + BK, end, b, other + SLICE_A);
        }
#pragma unroll
        for (int k = 0; k < BK; k++) {
            const Run<TM> left = *(const Run<TM>*)(slice + k * ShareA::PITCH + row);
            float right[TN];
#pragma unroll
            for (int j = 0; j < TN; j += WIDTH) {
                const float* from = slice + SLICE_A + k * ShareB::PITCH + column_of<BN, TN>(j);
                const Run<WIDTH> run = *(const Run<WIDTH>*)from;
#pragma unroll
                for (int i = 0; i < WIDTH; i++) right[j + i] = run.of[i];
            }
#pragma unroll
            for (int j = 0; j < TN; j++)
#pragma unroll
                for (int i = 0; i < TM; i++) sums[j][i] = fmaf(left.of[i], right[j], sums[j][i]);
        }
        copies_done();
        __syncthreads();
        float* swapped = slice;
        slice = other;
        other = swapped;
    }
#pragma unroll
    for (int j = 0; j < TN; j++) store(tile_m * BM + row, tile_n * BN + column_of<BN, TN>(j), sums[j]);
}
