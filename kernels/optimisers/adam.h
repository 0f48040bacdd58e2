/* adam.h - the mean of the gradient over the root of the mean of its square; adam.go has the equations.
 *
 * For an optimiser NAME, kernels/optimisers/NAME.h defines
 *   NAME_SLOTS, NAME_COEFS  how many numbers of state an element has, and how many factors an update
 *   NAME_step(c, g, s)      the direction of a step of one element, from its gradient and its state,
 *                           which it moves on; every operation is rounded by itself (exact_)
 * and NAME.go the same for the host. What all optimisers share is around it: decay is added to g before,
 * and the step is p <- keep p - rate direction.
 */
#define adam_SLOTS 2
#define adam_COEFS 6

#ifdef RULE_FN
enum { ADAM_BETA1, ADAM_BETA2, ADAM_C1, ADAM_C2, ADAM_ROOT, ADAM_EPS };

RULE_FN float adam_step(const float *c, float g, float *s)
{
	s[0] = exact_add(exact_mul(c[ADAM_BETA1], s[0]), exact_mul(c[ADAM_C1], g));
	s[1] = exact_add(exact_mul(c[ADAM_BETA2], s[1]), exact_mul(c[ADAM_C2], exact_mul(g, g)));
	return exact_div(s[0], exact_add(exact_mul(exact_sqrt(s[1]), c[ADAM_ROOT]), c[ADAM_EPS]));
}
#endif
