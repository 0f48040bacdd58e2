/* scan.cu - the scan of one cell, compiled once per cell with -DCELL=NAME of kernels/cells.
 * What each kernel does is said at its struct in params.h. */
#include "scan.h"

KERNEL(SCAN_NAME(prepare), struct prepare_params) { scan_prepare(p); }
KERNEL(SCAN_NAME(unprepare), struct unprepare_params) { scan_unprepare(p); }
KERNEL(SCAN_NAME(replay), struct replay_params) { scan_replay(p); }

KERNEL_BOUNDED(SCAN_NAME(forward_fp32), struct forward_params, SCAN_THREADS) { scan_forward<PREC_FP32>(p); }
KERNEL_BOUNDED(SCAN_NAME(backward_fp32), struct backward_params, SCAN_THREADS) { scan_backward<PREC_FP32>(p); }

#ifdef GPU_MMA
KERNEL_BOUNDED(SCAN_NAME(forward_tf32), struct forward_params, SCAN_THREADS) { scan_forward<PREC_TF32>(p); }
KERNEL_BOUNDED(SCAN_NAME(backward_tf32), struct backward_params, SCAN_THREADS) { scan_backward<PREC_TF32>(p); }
KERNEL_BOUNDED(SCAN_NAME(forward_bf16), struct forward_params, SCAN_THREADS) { scan_forward<PREC_BF16>(p); }
KERNEL_BOUNDED(SCAN_NAME(backward_bf16), struct backward_params, SCAN_THREADS) { scan_backward<PREC_BF16>(p); }
#endif
