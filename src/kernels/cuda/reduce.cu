// Sums and maxima over the lanes of a warp and the threads of a block, in one fixed order.

__device__ inline float warp_sum(float x) {
    for (int step = WARP / 2; step > 0; step /= 2) x += __shfl_xor_sync(ALL_LANES, x, step);
    return x;
}

__device__ inline double warp_sum(double x) {
    for (int step = WARP / 2; step > 0; step /= 2) x += __shfl_xor_sync(ALL_LANES, x, step);
    return x;
}

__device__ inline float warp_max(float x) {
    for (int step = WARP / 2; step > 0; step /= 2) {
        float other = __shfl_xor_sync(ALL_LANES, x, step);
        x = beats(other, x) ? other : x;
    }
    return x;
}

// The index of the largest value: the lowest one of equal values, and that of the first NaN. An index below 0 is none.
__device__ inline int warp_arg_max(float x, int index) {
    for (int step = WARP / 2; step > 0; step /= 2) {
        float other = __shfl_xor_sync(ALL_LANES, x, step);
        int other_index = __shfl_xor_sync(ALL_LANES, index, step);
        bool both = index >= 0 && other_index >= 0;
        bool is_equal = x == other || (x != x && other != other);
        bool wins = both ? beats(other, x) || (is_equal && other_index < index) : index < 0;
        if (wins) {
            x = other;
            index = other_index;
        }
    }
    return index < 0 ? 0 : index;
}

// Σ over all threads of the block, the same in each; `shared` holds one number for each warp.
__device__ inline double block_sum(double x, double* shared) {
    x = warp_sum(x);
    __syncthreads();
    if (threadIdx.x % WARP == 0) shared[threadIdx.x / WARP] = x;
    __syncthreads();
    double sum = 0;
    for (int warp = 0; warp < THREADS / WARP; warp++) sum += shared[warp];
    return sum;
}

// log(1 − p) of the label from the largest of the other values, Σ e^(x − max) over them, and its own value.
__device__ inline float log_not_label(float max, double total, float own) {
    double odds = ((double)max - own) + log(total);
    return (float)(odds >= 0 ? -log1p(exp(-odds)) : odds - log1p(exp(odds)));
}
