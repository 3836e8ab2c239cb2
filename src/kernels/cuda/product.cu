// Matrix products by register tiles over shared memory: C[m, n] = Σ_k A(m, k) · B(k, n), k from `begin` to `end` in order.
//
// `a.place(m)` and `b.place(n)` work out what the elements of a row or a column have in common, once; `a.at(place, first, c, is_there)`
// and that of `b` say where they lie at k = first + c, and whether they do: `first` is a multiple of 16 that whole warps share, c < 16.
// `store(m, n, sums)` takes neighbouring rows of one column. 256 threads. How a tile is cut into those of threads, and how a slice is
// multiplied, is a `Way`: `Plain` here, `Tensor` in `tensor.cu`.
// While one slice of k is multiplied, the next one is on its way: two slices lie in shared memory.

// A row or column of an operand: where it begins, the pixel or the tap that it belongs to, whether it is there.
struct Place {
    int base, y, x;
    bool is_there;
};

// The part of a slice that one thread brings: SIZE × BK elements, neighbours in memory to neighbouring threads.
template <int SIZE, int BK, bool BY_K, int MARGIN>
struct Share {
    static const int COUNT = SIZE * BK < THREADS ? 1 : SIZE * BK / THREADS, PLACES = BY_K ? COUNT : 1;
    // Lines, or steps of k, between two elements of a thread.
    static const int PITCH = SIZE + MARGIN, STEP = BY_K ? THREADS / BK : THREADS / SIZE;
    Place places[PLACES];

    __device__ inline static int position(int share) {
        return BY_K ? threadIdx.x / BK + share * STEP : threadIdx.x % SIZE;
    }
    __device__ inline static int depth(int share) {
        return BY_K ? threadIdx.x % BK : threadIdx.x / SIZE + share * STEP;
    }

    template <class Operand>
    __device__ inline void prepare(int first, const Operand& operand) {
#pragma unroll
        for (int i = 0; i < PLACES; i++) places[i] = operand.place(first + position(i));
    }
    // An address is worked out once where the others follow from it: `ALONG_K` floats further for each step of k within sixteen,
    // `ALONG_LINE` floats for each row or column; 0 where they do not. `IS_FULL`: k ends with a whole sixteen.
    template <class Operand>
    __device__ inline void bring(int start, int end, const Operand& operand, float* slice) const {
        if (SIZE * BK < THREADS && threadIdx.x >= SIZE * BK) return;
        float* to = slice + depth(0) * PITCH + position(0);
        if (BY_K && Operand::ALONG_LINE > 0) {
            const int first = start + depth(0) / 16 * 16, c = depth(0) % 16;
            bool is_there = first + c < end;
            const float* from = operand.at(places[0], first, c, is_there);
#pragma unroll
            for (int i = 0; i < COUNT; i++)
                copy_async(to + i * STEP, from + i * STEP * Operand::ALONG_LINE,
                           is_there && places[BY_K ? i : 0].is_there);
        } else if (!BY_K && STEP <= 16 && Operand::ALONG_K > 0) {
#pragma unroll
            for (int sixteen = 0; sixteen < BK; sixteen += 16) {
                const int first = start + sixteen, c = depth(0);
                bool is_there = places[0].is_there && first < end;
                const float* from = operand.at(places[0], first, c, is_there);
#pragma unroll
                for (int k = 0; k < 16; k += STEP)
                    copy_async(to + (sixteen + k) * PITCH, from + k * Operand::ALONG_K,
                               is_there && (Operand::IS_FULL || first + c + k < end));
            }
        } else {
#pragma unroll
            for (int i = 0; i < COUNT; i++) {
                const Place& place = places[BY_K ? i : 0];
                const int first = start + (BK > 16 ? depth(i) / 16 * 16 : 0), c = BK > 16 ? depth(i) % 16 : depth(i);
                bool is_there = place.is_there && first + c < end;
                const float* from = operand.at(place, first, c, is_there);
                copy_async(slice + depth(i) * PITCH + position(i), from, is_there);
            }
        }
    }
};

// Products by fused multiply-adds: a thread has a rectangle of a tile, BM × BN in all.
template <int BM_, int BN_, int TM_, int TN_>
struct Plain {
    static const int BM = BM_, BN = BN_, TM = TM_, TN = TN_;
    static const int WIDTH = TN < 4 ? TN : 4, ACROSS = BN / TN;
    static_assert((BM / TM) * ACROSS == THREADS, "one rectangle for each thread");

    // What keeps the rows of a slice apart in shared memory; more where neighbouring threads write neighbours along k.
    __device__ constexpr static int margin(bool by_k) { return by_k ? 4 : 0; }
    __device__ inline static int row() { return threadIdx.x / ACROSS * TM; }
    // The column that is the j-th of a thread: quarters of warps read neighbouring runs of four.
    __device__ inline static int column(int j) {
        return j / WIDTH * (WIDTH * ACROSS) + threadIdx.x % ACROSS * WIDTH + j % WIDTH;
    }

    template <int BK, int PITCH_A, int PITCH_B>
    __device__ inline static void multiply(const float* a, const float* b, float (&sums)[TN][TM]) {
#pragma unroll
        for (int k = 0; k < BK; k++) {
            const Run<TM> left = *(const Run<TM>*)(a + k * PITCH_A + row());
            float right[TN];
#pragma unroll
            for (int j = 0; j < TN; j += WIDTH) {
                const Run<WIDTH> run = *(const Run<WIDTH>*)(b + k * PITCH_B + column(j));
#pragma unroll
                for (int i = 0; i < WIDTH; i++) right[j + i] = run.of[i];
            }
#pragma unroll
            for (int j = 0; j < TN; j++)
#pragma unroll
                for (int i = 0; i < TM; i++) sums[j][i] = fmaf(left.of[i], right[j], sums[j][i]);
        }
    }
};

template <class Way, int BK, bool A_BY_K, bool B_BY_K, class A, class B, class Store>
__device__ inline void product(int tile_m, int tile_n, int begin, int end, const A& a, const B& b,
                               const Store& store, float* shared) {
    typedef Share<Way::BM, BK, A_BY_K, Way::margin(A_BY_K)> ShareA;
    typedef Share<Way::BN, BK, B_BY_K, Way::margin(B_BY_K)> ShareB;
    const int SLICE_A = BK * ShareA::PITCH, SLICE = SLICE_A + BK * ShareB::PITCH;
    ShareA share_a;
    ShareB share_b;
    share_a.prepare(tile_m * Way::BM, a);
    share_b.prepare(tile_n * Way::BN, b);
    float sums[Way::TN][Way::TM];
#pragma unroll
    for (int j = 0; j < Way::TN; j++)
#pragma unroll
        for (int i = 0; i < Way::TM; i++) sums[j][i] = 0.0f;
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
        Way::template multiply<BK, ShareA::PITCH, ShareB::PITCH>(slice, slice + SLICE_A, sums);
        copies_done();
        __syncthreads();
        float* swapped = slice;
        slice = other;
        other = swapped;
    }
#pragma unroll
    for (int j = 0; j < Way::TN; j++)
        store(tile_m * Way::BM + Way::row(), tile_n * Way::BN + Way::column(j), sums[j]);
}
