// The largest singular value of a matrix by Lanczos iteration on w wᵀ or wᵀ w, whichever is smaller, in double precision, with
// full re-orthogonalisation and a fixed start. One block for a matrix.

// Most vectors of the basis.
#define LANCZOS 128

// out = w x: a warp for each row.
__device__ inline void times(const float* w, int rows, int columns, const double* x, double* out) {
    for (int row = threadIdx.x / WARP; row < rows; row += THREADS / WARP) {
        double sum = 0;
        for (int column = threadIdx.x % WARP; column < columns; column += WARP)
            sum += (double)w[row * columns + column] * x[column];
        sum = warp_sum(sum);
        if (threadIdx.x % WARP == 0) out[row] = sum;
    }
    __syncthreads();
}

// out = wᵀ y: a thread for each column.
__device__ inline void transposed_times(const float* w, int rows, int columns, const double* y, double* out) {
    for (int column = threadIdx.x; column < columns; column += THREADS) {
        double sum = 0;
        for (int row = 0; row < rows; row++) sum += (double)w[row * columns + column] * y[row];
        out[column] = sum;
    }
    __syncthreads();
}

__device__ inline double block_dot(const double* x, const double* y, int size, double* shared) {
    double sum = 0;
    for (int i = threadIdx.x; i < size; i += THREADS) sum += x[i] * y[i];
    return block_sum(sum, shared);
}

// x := x / ‖x‖; the norm. A zero vector stays.
__device__ inline double normalize(double* x, int size, double* shared) {
    double norm = sqrt(block_dot(x, x, size, shared));
    for (int i = threadIdx.x; i < size && norm > 0; i += THREADS) x[i] /= norm;
    __syncthreads();
    return norm;
}

// The largest eigenvalue of the tridiagonal matrix by bisection, and its vector by inverse iteration. One thread.
__device__ inline double top_of_tridiagonal(const double* diagonal, const double* off, int size, double* vector,
                                            double* work) {
    double low = diagonal[0], high = 0;
    for (int i = 0; i < size; i++) {
        double radius = (i > 0 ? fabs(off[i - 1]) : 0) + (i + 1 < size ? fabs(off[i]) : 0);
        if (diagonal[i] > low) low = diagonal[i];
        if (diagonal[i] + radius > high) high = diagonal[i] + radius;
    }
    for (int round = 0; round < 80; round++) {
        double middle = 0.5 * (low + high);
        // T − middle has no positive pivot where middle lies above every eigenvalue.
        bool is_above = true;
        double pivot = diagonal[0] - middle;
        for (int i = 0; is_above; i++) {
            if (pivot >= 0) is_above = false;
            if (i + 1 == size) break;
            pivot = diagonal[i + 1] - middle - off[i] * off[i] / pivot;
        }
        if (is_above) high = middle; else low = middle;
    }
    for (int i = 0; i < size; i++) vector[i] = 1.0;
    if (high == 0) return 0;
    double shift = high + fabs(high) * 1e-14;
    for (int round = 0; round < 4; round++) {
        // (T − shift) is negative definite: elimination needs no pivoting.
        work[0] = diagonal[0] - shift;
        for (int i = 1; i < size; i++) {
            double factor = off[i - 1] / work[i - 1];
            work[i] = diagonal[i] - shift - factor * off[i - 1];
            vector[i] -= factor * vector[i - 1];
        }
        double norm = 0;
        for (int i = size - 1; i >= 0; i--) {
            double right = i + 1 < size ? off[i] * vector[i + 1] : 0;
            vector[i] = (vector[i] - right) / work[i];
            norm += vector[i] * vector[i];
        }
        norm = sqrt(norm);
        for (int i = 0; i < size; i++) vector[i] /= norm;
    }
    return high;
}

// σ into `sigma`, u into scratch[0 .. rows], v behind it; the rest of `scratch` is (LANCZOS + 2) · min + max doubles.
__device__ inline void spectral(const float* w, int rows, int columns, double* scratch, double* sigma, double* shared) {
    double* left = scratch;
    double* right = left + rows;
    const bool by_rows = rows <= columns;
    const int size = by_rows ? rows : columns, steps = size < LANCZOS ? size : LANCZOS;
    double* other = right + columns;
    double* basis = other + (by_rows ? columns : rows);
    double *sums = shared, *diagonal = shared + THREADS / WARP, *off = diagonal + LANCZOS;
    double *vector = off + LANCZOS, *work = vector + LANCZOS;
    for (int i = threadIdx.x; i < size; i += THREADS)
        basis[i] = 1.0 + (double)((2654435761u * (unsigned)(i + 1)) >> 8) / 16777216.0;
    __syncthreads();
    normalize(basis, size, sums);
    int count = 0;
    while (count < steps) {
        double* last = basis + count * size;
        double* next = last + size;
        if (by_rows) {
            transposed_times(w, rows, columns, last, other);
            times(w, rows, columns, other, next);
        } else {
            times(w, rows, columns, last, other);
            transposed_times(w, rows, columns, other, next);
        }
        double along = block_dot(last, next, size, sums);
        if (threadIdx.x == 0) diagonal[count] = along;
        count++;
        // Twice is enough to keep the basis orthogonal to rounding.
        for (int pass = 0; pass < 2; pass++)
            for (int known = 0; known < count; known++) {
                double part = block_dot(basis + known * size, next, size, sums);
                for (int i = threadIdx.x; i < size; i += THREADS) next[i] -= part * basis[known * size + i];
                __syncthreads();
            }
        double rest = normalize(next, size, sums);
        if (threadIdx.x == 0) off[count - 1] = rest;
        if (!(rest > 1e-14 * along)) break;
    }
    __syncthreads();
    if (threadIdx.x == 0) top_of_tridiagonal(diagonal, off, count, vector, work);
    __syncthreads();
    double* top = by_rows ? left : right;
    for (int i = threadIdx.x; i < size; i += THREADS) {
        double sum = 0;
        for (int known = 0; known < count; known++) sum += basis[known * size + i] * vector[known];
        top[i] = sum;
    }
    __syncthreads();
    normalize(top, size, sums);
    if (by_rows) transposed_times(w, rows, columns, left, right);
    else times(w, rows, columns, right, left);
    double norm = normalize(by_rows ? right : left, by_rows ? columns : rows, sums);
    if (threadIdx.x == 0) *sigma = norm;
}
