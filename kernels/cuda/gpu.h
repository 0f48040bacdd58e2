/* gpu.h - what the CUDA sources of this folder may use of a GPU.
 *
 * The same .cu files are compiled to PTX (kernels/ptx) and, for tests without a GPU, by a host
 * compiler against the emulated driver (kernels/emu), whose emu.h defines the same names. So
 * a kernel uses threadIdx, blockIdx, blockDim, gridDim and the functions below, includes
 * nothing else of CUDA, and has one parameter: its struct of params.h.
 *
 *   KERNEL(name, struct params)   { ... uses p ... }
 *
 * Compute 7.0 has all but mma and what needs clusters; those are there under GPU_MMA (compute
 * 8.0) and GPU_CLUSTER (compute 9.0). The emulated driver defines both.
 */
#ifndef GALVANI_GPU_H
#define GALVANI_GPU_H

#if defined(GALVANI_EMU)
#include "emu.h"
#else

#define GPU_FN static __device__ __forceinline__
#define KERNEL(name, params) extern "C" __global__ void name(const __grid_constant__ params p)
/* BOUNDED promises at most `threads` threads per block, one block per SM. */
#define KERNEL_BOUNDED(name, params, threads) \
	extern "C" __global__ void __launch_bounds__(threads, 1) name(const __grid_constant__ params p)
#define SHARED(type, name) __shared__ type name

#if __CUDA_ARCH__ >= 800
#define GPU_MMA 1
#endif
#if __CUDA_ARCH__ >= 900
#define GPU_CLUSTER 1
#endif

/* dynamic_shared returns the block's dynamic shared memory, aligned to 16 bytes. Its size is
 * given at launch. */
GPU_FN char *dynamic_shared()
{
	extern __shared__ __align__(16) char galvani_shared[];
	return galvani_shared;
}

GPU_FN void sync_block() { __syncthreads(); }
GPU_FN void sync_warp() { __syncwarp(); }

/* Shuffles within a full warp of 32. */
GPU_FN float shuffle_xor(float v, int mask) { return __shfl_xor_sync(0xffffffffu, v, mask); }
GPU_FN double shuffle_xor(double v, int mask) { return __shfl_xor_sync(0xffffffffu, v, mask); }
GPU_FN int shuffle_xor(int v, int mask) { return __shfl_xor_sync(0xffffffffu, v, mask); }

GPU_FN unsigned float_bits(float x) { return __float_as_uint(x); }
GPU_FN float bits_float(unsigned b) { return __uint_as_float(b); }

/* One IEEE operation, rounded to nearest, never fused and with denormals kept, whatever the
 * compiler's options: what must give the bits of the host is written in these. */
#define EXACT(op) \
	GPU_FN float exact_##op(float a, float b) \
	{ \
		float y; \
		asm(#op ".rn.f32 %0, %1, %2;" : "=f"(y) : "f"(a), "f"(b)); \
		return y; \
	}
EXACT(add)
EXACT(sub)
EXACT(mul)
EXACT(div)
#undef EXACT

GPU_FN float exact_sqrt(float a)
{
	float y;
	asm("sqrt.rn.f32 %0, %1;" : "=f"(y) : "f"(a));
	return y;
}

/* widen and narrow convert between float and double, with denormals kept. */
GPU_FN double widen(float a)
{
	double y;
	asm("cvt.f64.f32 %0, %1;" : "=d"(y) : "f"(a));
	return y;
}

GPU_FN float narrow(double a)
{
	float y;
	asm("cvt.rn.f32.f64 %0, %1;" : "=f"(y) : "d"(a));
	return y;
}

/* Words in global memory through which blocks that run at once (launched together) hear of each
 * other: publish stores one, count adds 1, both after all that the thread did before; observe
 * loads one, before all that it does after. */
GPU_FN void publish(unsigned *p, unsigned v) { asm volatile("st.release.gpu.global.u32 [%0], %1;" ::"l"(p), "r"(v) : "memory"); }

GPU_FN void count(unsigned *p) { asm volatile("red.release.gpu.global.add.u32 [%0], 1;" ::"l"(p) : "memory"); }

GPU_FN unsigned observe(const unsigned *p)
{
	unsigned v;
	asm volatile("ld.acquire.gpu.global.u32 %0, [%1];" : "=r"(v) : "l"(p) : "memory");
	return v;
}

#ifdef GPU_MMA
/* round_tf32 rounds to the 10 mantissa bits of TF32, bf16_pack packs two floats as bf16, the
 * first in the low half; both round to nearest, ties to even (bf16) or away (tf32). */
GPU_FN unsigned round_tf32(float x)
{
	unsigned y;
	asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(y) : "f"(x));
	return y;
}

GPU_FN unsigned bf16_pack(float low, float high)
{
	unsigned y;
	asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(y) : "f"(high), "f"(low));
	return y;
}

/* mma_tf32: d += a b for a 16x8, b 8x8, d 16x8, all threads of a warp. With lane = 4 g + k:
 * a = {A[g][k], A[g+8][k], A[g][k+4], A[g+8][k+4]}, b = {B[k][g], B[k+4][g]},
 * d = {D[g][2k], D[g][2k+1], D[g+8][2k], D[g+8][2k+1]}. */
GPU_FN void mma_tf32(float *d, const unsigned *a, const unsigned *b)
{
	asm("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
	    : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
	    : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

/* mma_bf16: d += a b for a 16x16, b 16x8, d 16x8. With lane = 4 g + k, each register holds two
 * neighbours in K: a = {A[g][2k..], A[g+8][2k..], A[g][2k+8..], A[g+8][2k+8..]},
 * b = {B[2k..][g], B[2k+8..][g]}, d as above. */
GPU_FN void mma_bf16(float *d, const unsigned *a, const unsigned *b)
{
	asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
	    : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
	    : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

/* copy_async copies 16 bytes from global to shared memory behind the thread's back;
 * copy_commit closes a group, copy_wait<n> waits until at most n groups of this thread are
 * under way. */
GPU_FN unsigned shared_address(const void *p) { return (unsigned)__cvta_generic_to_shared(p); }

GPU_FN void copy_async(void *shared, const void *global)
{
	asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(shared_address(shared)), "l"(global) : "memory");
}

GPU_FN void copy_commit() { asm volatile("cp.async.commit_group;" ::: "memory"); }

template <int N> GPU_FN void copy_wait() { asm volatile("cp.async.wait_group %0;" ::"n"(N) : "memory"); }
#endif

#ifdef GPU_CLUSTER
GPU_FN int cluster_rank()
{
	unsigned r;
	asm("mov.u32 %0, %%cluster_ctarank;" : "=r"(r));
	return (int)r;
}

GPU_FN int cluster_size()
{
	unsigned n;
	asm("mov.u32 %0, %%cluster_nctarank;" : "=r"(n));
	return (int)n;
}

/* sync_cluster is a barrier of all threads of all blocks of the cluster. Slow: for the start
 * and the end of a kernel only. */
GPU_FN void sync_cluster()
{
	asm volatile("barrier.cluster.arrive.release.aligned;\n\tbarrier.cluster.wait.acquire.aligned;" ::: "memory");
}

/* A transaction barrier in shared memory. Each phase completes when the one arrival that
 * barrier_init asks for has come (barrier_expect) and that many bytes have been pushed.
 * Phases have parity 0, 1, 0, ... */
typedef unsigned long long gpu_barrier;

GPU_FN void barrier_init(gpu_barrier *b)
{
	asm volatile("mbarrier.init.shared::cta.b64 [%0], 1;" ::"r"(shared_address(b)) : "memory");
}

/* barrier_init_done makes the initialisation of barriers visible to the cluster; a
 * sync_cluster follows it. */
GPU_FN void barrier_init_done() { asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory"); }

GPU_FN void barrier_expect(gpu_barrier *b, unsigned bytes)
{
	asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(shared_address(b)), "r"(bytes) : "memory");
}

GPU_FN void barrier_wait(gpu_barrier *b, unsigned parity)
{
	asm volatile("{\n\t.reg .pred done;\n"
		     "again:\n\t"
		     "mbarrier.try_wait.parity.acquire.cluster.shared::cta.b64 done, [%0], %1;\n\t"
		     "@!done bra again;\n\t}" ::"r"(shared_address(b)),
		     "r"(parity)
		     : "memory");
}

/* push stores 4 floats (or 16 bytes) to the same shared address of another block of the
 * cluster and completes 16 bytes on its barrier. push1 stores one word. */
GPU_FN unsigned remote_address(const void *p, int rank)
{
	unsigned r;
	asm("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(r) : "r"(shared_address(p)), "r"(rank));
	return r;
}

GPU_FN void push(void *p, int rank, float a, float b, float c, float d, gpu_barrier *bar)
{
	asm volatile("st.async.shared::cluster.mbarrier::complete_tx::bytes.v4.b32 [%0], {%1,%2,%3,%4}, [%5];" ::"r"(
			     remote_address(p, rank)),
		     "r"(float_bits(a)), "r"(float_bits(b)), "r"(float_bits(c)), "r"(float_bits(d)), "r"(remote_address(bar, rank))
		     : "memory");
}

GPU_FN void push1(void *p, int rank, unsigned a, gpu_barrier *bar)
{
	asm volatile("st.async.shared::cluster.mbarrier::complete_tx::bytes.b32 [%0], %1, [%2];" ::"r"(remote_address(p, rank)),
		     "r"(a), "r"(remote_address(bar, rank))
		     : "memory");
}
#endif

#endif /* GALVANI_EMU */
#endif
