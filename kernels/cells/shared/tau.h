/* tau.h - the parameter behind a time constant. Forms: 0 tau itself, 1 t of tau = dt + softplus(t), 2 a of
 * dt/tau = sigmoid(a). */
#ifndef GALVANI_TAU_H
#define GALVANI_TAU_H

CELL_FN double tau_logistic(double x) { return 1 / (1 + exp(-x)); }

/* tau_alpha returns alpha = dt/tau. */
CELL_FN double tau_alpha(int form, double dt, double raw)
{
	if (form == 2)
		return tau_logistic(raw);
	return dt / (form == 0 ? raw : dt + (raw > 0 ? raw : 0) + log1p(exp(-fabs(raw))));
}

/* tau_slope returns d alpha / d raw. */
CELL_FN double tau_slope(int form, double dt, double raw, double alpha)
{
	if (form == 2)
		return alpha * (1 - alpha);
	return -(alpha * alpha / dt) * (form == 0 ? 1 : tau_logistic(raw));
}

#endif
