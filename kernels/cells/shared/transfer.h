/* transfer.h - rates as functions of a current or voltage. Kinds: 0 tanh, 1 max(0, .), 2 sigmoid,
 * 3 softplus, others the identity. */
#ifndef GALVANI_TRANSFER_H
#define GALVANI_TRANSFER_H

CELL_FN real transfer(int kind, real x)
{
	switch (kind) {
	case 0:
		return r_tanh(x);
	case 1:
		return r_relu(x);
	case 2:
		return r_sigmoid(x);
	case 3:
		return r_softplus(x);
	default:
		return x;
	}
}

/* transfer_slope returns the derivative at x given the value y there. */
CELL_FN real transfer_slope(int kind, real x, real y)
{
	switch (kind) {
	case 0:
		return R(1.0) - y * y;
	case 1:
		return r_positive(y, r_splat(R(1.0)));
	case 2:
		return y * (R(1.0) - y);
	case 3:
		return r_sigmoid(x);
	default:
		return r_splat(R(1.0));
	}
}

#endif
