/* scan.cu - the scan of one cell, compiled with -DCELL=NAME of kernels/cells, once for each number
 * format of products (-DONLY_fp32, -DONLY_tf32 or -DONLY_bf16; all of them without). What each kernel does is said
 * at its struct in params.h. */
#include "scan.h"

KERNEL(SCAN_NAME(prepare), struct prepare_params) { scan_prepare(p); }
KERNEL(SCAN_NAME(unprepare), struct unprepare_params) { scan_unprepare(p); }
KERNEL(SCAN_NAME(replay), struct replay_params) { scan_replay(p); }

#if !defined(ONLY_fp32) && !defined(ONLY_tf32) && !defined(ONLY_bf16)
#define ONLY_fp32
#define ONLY_tf32
#define ONLY_bf16
#endif

#ifdef ONLY_fp32
KERNEL_BOUNDED(SCAN_NAME(forward_fp32), struct forward_params, SCAN_THREADS) { scan_forward<PREC_FP32>(p); }
KERNEL_BOUNDED(SCAN_NAME(backward_fp32), struct backward_params, SCAN_THREADS) { scan_backward<PREC_FP32>(p); }
#endif

/* Without recurrent products every number format would give the code of fp32. */
#if defined(GPU_MMA) && SCAN_NAME(REC) > 0
#ifdef ONLY_tf32
KERNEL_BOUNDED(SCAN_NAME(forward_tf32), struct forward_params, SCAN_THREADS) { scan_forward<PREC_TF32>(p); }
KERNEL_BOUNDED(SCAN_NAME(backward_tf32), struct backward_params, SCAN_THREADS) { scan_backward<PREC_TF32>(p); }
#endif
#ifdef ONLY_bf16
KERNEL_BOUNDED(SCAN_NAME(forward_bf16), struct forward_params, SCAN_THREADS) { scan_forward<PREC_BF16>(p); }
KERNEL_BOUNDED(SCAN_NAME(backward_bf16), struct backward_params, SCAN_THREADS) { scan_backward<PREC_BF16>(p); }
#endif
#endif
