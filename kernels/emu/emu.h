/* emu.h - the names of kernels/cuda/gpu.h for a host compiler.
 *
 * With GALVANI_EMU defined gpu.h includes this file instead of what a GPU has, and g++ turns a
 * .cu file into functions that the emulated driver (emu.cpp) calls once per GPU thread, each
 * on a fiber of its own. Every load and store of a kernel that others could see is announced
 * to check.cpp (-fsanitize=thread makes the calls; its run-time library is not linked).
 *
 * What looks at other threads goes through the emu_ functions, which are not instrumented.
 */
#ifndef GALVANI_EMU_H
#define GALVANI_EMU_H

#include <math.h>

/* EMU_ARCH is the target that this compilation stands for: 70, 80 or 90. */
#if EMU_ARCH >= 80
#define GPU_MMA 1
#endif
#if EMU_ARCH >= 90
#define GPU_CLUSTER 1
#endif

/* Kernels of a source that has #define GPU_IEEE keep denormals, all others flush them. */
#ifdef GPU_IEEE
#define EMU_FLUSH false
#else
#define EMU_FLUSH true
#endif

#define GPU_FN static inline __attribute__((always_inline, unused))

/* Index and extent types of CUDA. */
struct emu_dim {
	unsigned x, y, z;
};

typedef float emu_float4 __attribute__((vector_size(16)));
typedef unsigned emu_uint4 __attribute__((vector_size(16)));
typedef void (*emu_body)(const void *params);
typedef unsigned long long gpu_barrier;

extern "C" {
emu_dim emu_thread_index(void) __attribute__((const));
emu_dim emu_block_index(void) __attribute__((const));
emu_dim emu_block_dim(void) __attribute__((const));
emu_dim emu_grid_dim(void) __attribute__((const));
int emu_cluster_rank(void);
int emu_cluster_size(void);
char *emu_dynamic_shared(void);

void emu_register(const char *name, int arch, emu_body body, unsigned long params, int threads, bool flush, char *shared,
		  char *shared_end);

float emu_exact(char op, float a, float b) __attribute__((const));
double emu_widen(float a) __attribute__((const));
float emu_narrow(double a) __attribute__((const));

void emu_sync_block(void);
void emu_sync_warp(void);
void emu_sync_cluster(void);
unsigned long long emu_shuffle_xor(unsigned long long v, int mask);
emu_float4 emu_mma_tf32(emu_float4 d, emu_uint4 a, emu_uint4 b);
emu_float4 emu_mma_bf16(emu_float4 d, emu_uint4 a, emu_uint4 b);
void emu_copy_async(void *shared, const void *global);
void emu_copy_commit(void);
void emu_copy_wait(int groups);
void emu_barrier_init(gpu_barrier *b);
void emu_barrier_init_done(void);
void emu_barrier_expect(gpu_barrier *b, unsigned bytes);
void emu_barrier_wait(gpu_barrier *b, unsigned parity);
void emu_push(void *p, int rank, emu_uint4 v, int bytes, gpu_barrier *bar);
void emu_publish(unsigned *p, unsigned v);
void emu_count(unsigned *p);
unsigned emu_observe(const unsigned *p);
}

#define threadIdx (emu_thread_index())
#define blockIdx (emu_block_index())
#define blockDim (emu_block_dim())
#define gridDim (emu_grid_dim())

/* A kernel is a function of its parameter struct and an object that registers it by name.
 * All that a .cu file may write of its own is static shared memory: build.sh renames its .bss
 * to EMU_SECTION, so that it is known as such. */
extern char emu_shared_start[] __asm__("__start_" EMU_SECTION) __attribute__((weak, visibility("hidden")));
extern char emu_shared_stop[] __asm__("__stop_" EMU_SECTION) __attribute__((weak, visibility("hidden")));

struct emu_kernel {
	emu_kernel(const char *name, emu_body body, unsigned long params, int threads)
	{
		emu_register(name, EMU_ARCH, body, params, threads, EMU_FLUSH, emu_shared_start, emu_shared_stop);
	}
};

#define EMU_KERNEL(name, params, threads)                                                                       \
	static void name(const params &p);                                                                      \
	static void emu_run_##name(const void *p) { name(*(const params *)p); }                                 \
	static const emu_kernel emu_kernel_##name(#name, emu_run_##name, sizeof(params), threads);              \
	static __attribute__((noinline)) void name(const params &p)
#define KERNEL_BOUNDED(name, params, threads) EMU_KERNEL(name, params, threads)
#define KERNEL(name, params) KERNEL_BOUNDED(name, params, 1024)
#define SHARED(type, name) static type name

GPU_FN char *dynamic_shared() { return emu_dynamic_shared(); }
GPU_FN void sync_block() { emu_sync_block(); }
GPU_FN void sync_warp() { emu_sync_warp(); }

GPU_FN unsigned float_bits(float x)
{
	union {
		float f;
		unsigned u;
	} v = {x};
	return v.u;
}

GPU_FN float bits_float(unsigned b)
{
	union {
		unsigned u;
		float f;
	} v = {b};
	return v.f;
}

/* The intrinsics that kernels/cells/shared/real.h uses. */
GPU_FN int __float_as_int(float x) { return (int)float_bits(x); }
GPU_FN float __int_as_float(int b) { return bits_float((unsigned)b); }

GPU_FN float shuffle_xor(float v, int mask) { return bits_float((unsigned)emu_shuffle_xor(float_bits(v), mask)); }
GPU_FN int shuffle_xor(int v, int mask) { return (int)emu_shuffle_xor((unsigned)v, mask); }
GPU_FN double shuffle_xor(double v, int mask)
{
	union {
		double d;
		unsigned long long u;
	} in = {v}, out;
	out.u = emu_shuffle_xor(in.u, mask);
	return out.d;
}

/* Kernels run with denormals flushed; these do not. */
GPU_FN float exact_add(float a, float b) { return emu_exact('+', a, b); }
GPU_FN float exact_sub(float a, float b) { return emu_exact('-', a, b); }
GPU_FN float exact_mul(float a, float b) { return emu_exact('*', a, b); }
GPU_FN float exact_div(float a, float b) { return emu_exact('/', a, b); }
GPU_FN float exact_sqrt(float a) { return emu_exact('r', a, 0); }
GPU_FN double widen(float a) { return emu_widen(a); }
GPU_FN float narrow(double a) { return emu_narrow(a); }

GPU_FN void publish(unsigned *p, unsigned v) { emu_publish(p, v); }
GPU_FN void count(unsigned *p) { emu_count(p); }
GPU_FN unsigned observe(const unsigned *p) { return emu_observe(p); }

#ifdef GPU_MMA
/* round_tf32: to nearest, ties away from zero. An overflow gives infinity, NaN stays NaN. */
GPU_FN unsigned round_tf32(float x)
{
	unsigned b = float_bits(x);
	if ((b & 0x7f800000u) == 0x7f800000u)
		return b & 0x7fffffu ? 0x7fffffffu & ~0x1fffu : b;
	return (b + 0x1000u) & ~0x1fffu;
}

/* emu_bf16 rounds to nearest, ties to even. */
GPU_FN unsigned emu_bf16(float x)
{
	unsigned b = float_bits(x);
	if ((b & 0x7fffffffu) > 0x7f800000u)
		return 0x7fffu;
	return (b + 0x7fffu + ((b >> 16) & 1)) >> 16;
}

GPU_FN unsigned bf16_pack(float low, float high) { return emu_bf16(low) | emu_bf16(high) << 16; }

GPU_FN void mma_tf32(float *d, const unsigned *a, const unsigned *b)
{
	emu_float4 r = emu_mma_tf32((emu_float4){d[0], d[1], d[2], d[3]}, (emu_uint4){a[0], a[1], a[2], a[3]},
				    (emu_uint4){b[0], b[1], 0, 0});
	for (int i = 0; i < 4; i++)
		d[i] = r[i];
}

GPU_FN void mma_bf16(float *d, const unsigned *a, const unsigned *b)
{
	emu_float4 r = emu_mma_bf16((emu_float4){d[0], d[1], d[2], d[3]}, (emu_uint4){a[0], a[1], a[2], a[3]},
				    (emu_uint4){b[0], b[1], 0, 0});
	for (int i = 0; i < 4; i++)
		d[i] = r[i];
}

GPU_FN void copy_async(void *shared, const void *global) { emu_copy_async(shared, global); }
GPU_FN void copy_commit() { emu_copy_commit(); }
template <int N> GPU_FN void copy_wait() { emu_copy_wait(N); }
#endif

#ifdef GPU_CLUSTER
GPU_FN int cluster_rank() { return emu_cluster_rank(); }
GPU_FN int cluster_size() { return emu_cluster_size(); }
GPU_FN void sync_cluster() { emu_sync_cluster(); }

GPU_FN void barrier_init(gpu_barrier *b) { emu_barrier_init(b); }
GPU_FN void barrier_init_done() { emu_barrier_init_done(); }
GPU_FN void barrier_expect(gpu_barrier *b, unsigned bytes) { emu_barrier_expect(b, bytes); }
GPU_FN void barrier_wait(gpu_barrier *b, unsigned parity) { emu_barrier_wait(b, parity); }

GPU_FN void push(void *p, int rank, float a, float b, float c, float d, gpu_barrier *bar)
{
	emu_push(p, rank, (emu_uint4){float_bits(a), float_bits(b), float_bits(c), float_bits(d)}, 16, bar);
}

GPU_FN void push1(void *p, int rank, unsigned a, gpu_barrier *bar)
{
	emu_push(p, rank, (emu_uint4){a, 0, 0, 0}, 4, bar);
}
#endif

#endif
