/* rmsprop.h - the gradient over the root of the mean of its square; adam.h says what a header defines. */
#define rmsprop_SLOTS 1
#define rmsprop_COEFS 3

#ifdef RULE_FN
enum { RMSPROP_ALPHA, RMSPROP_REST, RMSPROP_EPS };

RULE_FN float rmsprop_step(const float *c, float g, float *s)
{
	s[0] = exact_add(exact_mul(c[RMSPROP_ALPHA], s[0]), exact_mul(c[RMSPROP_REST], exact_mul(g, g)));
	return exact_div(g, exact_add(exact_sqrt(s[0]), c[RMSPROP_EPS]));
}
#endif
