// The fields of `Partial` of a flat tensor in one read and one launch. See cuda_statistics.py.
//
// Every block writes what it saw to its row of `scratch`; the last one to be done merges the rows. Sums are of
// differences to the first element, in double precision: of float32 these are exact, so that nothing is lost where the
// mean is large.

struct Half { unsigned short bits; };
struct BFloat16 { unsigned short bits; };

__device__ double read(double x) { return x; }
__device__ float read(float x) { return x; }
__device__ float read(BFloat16 x) { return __uint_as_float((unsigned)x.bits << 16); }
__device__ float read(Half x) {
    float wide;
    asm("cvt.f32.f16 %0, %1;" : "=f"(wide) : "h"(x.bits));
    return wide;
}

#define THREADS 256
#define BLOCKS 512
#define WARP 32
#define ALL 0xffffffffu

__device__ double infinity() { return __longlong_as_double(0x7ff0000000000000LL); }

struct Row {
    double count, sum, squares, low, high, nan, inf, zeros;
};

__device__ Row nothing() { return {0, 0, 0, infinity(), -infinity(), 0, 0, 0}; }

__device__ Row merge(Row a, Row b) {
    return {
        a.count + b.count,
        a.sum + b.sum,
        a.squares + b.squares,
        b.low < a.low ? b.low : a.low,
        b.high > a.high ? b.high : a.high,
        a.nan + b.nan,
        a.inf + b.inf,
        a.zeros + b.zeros,
    };
}

__device__ Row from_lane_below(Row a, int lanes) {
    return {
        __shfl_down_sync(ALL, a.count, lanes),
        __shfl_down_sync(ALL, a.sum, lanes),
        __shfl_down_sync(ALL, a.squares, lanes),
        __shfl_down_sync(ALL, a.low, lanes),
        __shfl_down_sync(ALL, a.high, lanes),
        __shfl_down_sync(ALL, a.nan, lanes),
        __shfl_down_sync(ALL, a.inf, lanes),
        __shfl_down_sync(ALL, a.zeros, lanes),
    };
}

// Of all threads of the block; right in its first one. All of them have to come here.
__device__ Row merge_block(Row mine) {
    __shared__ Row rows[THREADS / WARP];
    for (int lanes = WARP / 2; lanes > 0; lanes /= 2) mine = merge(mine, from_lane_below(mine, lanes));
    __syncthreads();
    if (threadIdx.x % WARP == 0) rows[threadIdx.x / WARP] = mine;
    __syncthreads();
    if (threadIdx.x == 0)
        for (int warp = 1; warp < THREADS / WARP; warp++) mine = merge(mine, rows[warp]);
    return mine;
}

template <typename T> __device__ Row see(const T *x, int n, double shift) {
    int count = 0, nan = 0, inf = 0, zeros = 0;
    double sum = 0, squares = 0;
    auto low = read(x[0]), high = low; // of its type
    low = infinity();
    high = -infinity();
    for (int i = blockIdx.x * THREADS + threadIdx.x; i < n; i += gridDim.x * THREADS) {
        auto value = read(x[i]);
        if (value != value) {
            nan++;
        } else if (value - value != 0) {
            inf++;
        } else {
            double moved = (double)value - shift;
            sum += moved;
            squares += moved * moved;
            low = value < low ? value : low;
            high = value > high ? value : high;
            zeros += value == 0;
            count++;
        }
    }
    return {(double)count, sum, squares, (double)low, (double)high, (double)nan, (double)inf, (double)zeros};
}

template <typename T> __global__ void reduce(const T *x, int n, double *row, double *scratch) {
    Row *rows = (Row *)scratch;
    unsigned *done = (unsigned *)(rows + BLOCKS); // 0 before and after each launch
    __shared__ bool is_last;

    double shift = read(x[0]);
    if (shift - shift != 0) shift = 0;
    Row mine = merge_block(see(x, n, shift));
    if (threadIdx.x == 0) {
        rows[blockIdx.x] = mine;
        __threadfence();
        is_last = atomicAdd(done, 1u) == gridDim.x - 1;
    }
    __syncthreads();
    if (!is_last) return;

    __threadfence();
    mine = nothing();
    for (int block = threadIdx.x; block < gridDim.x; block += THREADS) mine = merge(mine, rows[block]);
    mine = merge_block(mine);
    if (threadIdx.x != 0) return;
    double m2 = mine.count > 0 ? mine.squares - mine.sum * mine.sum / mine.count : 0;
    row[0] = mine.count;
    row[1] = mine.count > 0 ? shift + mine.sum / mine.count : 0;
    row[2] = m2 > 0 ? m2 : 0;
    row[3] = mine.low;
    row[4] = mine.high;
    row[5] = mine.nan;
    row[6] = mine.inf;
    row[7] = mine.zeros;
    *done = 0;
}
