/* noise.cu - noise on the input of a scan and on its drives. */
#include "gpu.h"
#include "noise.h"
#include "reduce.h"
#include "../random/normal.h"

/* Threads stride over the words. */
KERNEL(noise, struct noise_params)
{
	int words = (p.N + 3) / 4;
	long long all = (long long)p.n * p.B * p.planes * words;
	for (long long i = element(); i < all; i += stride()) {
		int w = (int)(i % words), plane = (int)(i / words % p.planes);
		long long row = i / words / p.planes;
		int b = (int)(row % p.B), s = (int)(row / p.B);
		random_word key = random_key(random_key(p.key, p.first + b), p.t0 + s);
		random_word word = random_at(key, (random_word)plane * words + w);
		long long at = (long long)plane * p.N + 4 * w;
		for (int k = 0; k < 4 && 4 * w + k < p.N; k++)
			p.to[row * p.to_row + at + k] = p.from[row * p.from_row + at + k] + p.sd * random_normal(word, k);
	}
}
