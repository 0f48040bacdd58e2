/* lion.h - the sign of a mean of the gradient; adam.h says what a header defines. */
#define lion_SLOTS 1
#define lion_COEFS 4

#ifdef RULE_FN
enum { LION_BETA1, LION_C1, LION_BETA2, LION_C2 };

RULE_FN float lion_step(const float *c, float g, float *s)
{
	float mean = exact_add(exact_mul(c[LION_BETA1], s[0]), exact_mul(c[LION_C1], g));
	s[0] = exact_add(exact_mul(c[LION_BETA2], s[0]), exact_mul(c[LION_C2], g));
	float large = exact_mul(mean, 0x1p126f); /* no denormal, which a GPU's comparison would flush */
	return large > 0 ? 1 : large < 0 ? -1 : mean; /* NaN stays */
}
#endif
