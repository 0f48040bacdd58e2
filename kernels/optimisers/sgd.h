/* sgd.h - the gradient with momentum; adam.h says what a header defines. */
#define sgd_SLOTS 1
#define sgd_COEFS 2

#ifdef RULE_FN
enum { SGD_MOMENTUM, SGD_NESTEROV };

RULE_FN float sgd_step(const float *c, float g, float *s)
{
	s[0] = exact_add(exact_mul(c[SGD_MOMENTUM], s[0]), g);
	return c[SGD_NESTEROV] != 0 ? exact_add(g, exact_mul(c[SGD_MOMENTUM], s[0])) : s[0];
}
#endif
