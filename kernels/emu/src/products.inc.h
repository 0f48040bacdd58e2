// products.inc.h - products of matrices by a warp, for run.cpp.

// ---- matrix products: fragments as PTX has them for mma.m16n8k8 (tf32) and m16n8k16 (bf16) ----

static float tf32(unsigned b) { return bits_float(b & ~0x1fffu); }
static float bf16(unsigned b, int half) { return bits_float(half ? b & 0xffff0000u : b << 16); }

// product adds A [16,K] B [K,8] to the warp's D, in float, in the order of K.
template <int K> static void product(Warp &w, const float (*a)[K], const float (*b)[8])
{
	float d[16][8];
	for (int i = 0; i < 32; i++)
		for (int j = 0; j < 4; j++)
			d[i / 4 + j / 2 * 8][i % 4 * 2 + j % 2] = w.x[i].d[j];
	for (int m = 0; m < 16; m++)
		for (int k = 0; k < K; k++)
			for (int n = 0; n < 8; n++)
				d[m][n] += a[m][k] * b[k][n];
	for (int i = 0; i < 32; i++)
		for (int j = 0; j < 4; j++)
			w.x[i].d[j] = d[i / 4 + j / 2 * 8][i % 4 * 2 + j % 2];
}

static bool full(Warp &w)
{
	if (w.lanes != 32)
		fault(LAUNCH_FAILED, nullptr, "matrix product in a warp of %d lanes", w.lanes);
	return w.lanes == 32;
}

static void product_tf32(Warp &w)
{
	float a[16][8], b[8][8];
	if (!full(w))
		return;
	for (int i = 0; i < 32; i++) {
		int g = i / 4, k = i % 4;
		for (int j = 0; j < 4; j++)
			a[g + j % 2 * 8][k + j / 2 * 4] = tf32(w.x[i].a[j]);
		for (int j = 0; j < 2; j++)
			b[k + j * 4][g] = tf32(w.x[i].b[j]);
	}
	product<8>(w, a, b);
}

static void product_bf16(Warp &w)
{
	float a[16][16], b[16][8];
	if (!full(w))
		return;
	for (int i = 0; i < 32; i++) {
		int g = i / 4, k = i % 4 * 2;
		for (int half = 0; half < 2; half++) {
			for (int j = 0; j < 4; j++)
				a[g + j % 2 * 8][k + j / 2 * 8 + half] = bf16(w.x[i].a[j], half);
			for (int j = 0; j < 2; j++)
				b[k + j * 8 + half][g] = bf16(w.x[i].b[j], half);
		}
	}
	product<16>(w, a, b);
}

static emu_float4 multiply(const char *at, Operation op, emu_float4 d, emu_uint4 a, emu_uint4 b, const void *pc)
{
	Exchange &x = self->warp->x[self->lane];
	x.d = d;
	x.a = a;
	x.b = b;
	collective(at, op, pc);
	return x.d;
}

emu_float4 emu_mma_tf32(emu_float4 d, emu_uint4 a, emu_uint4 b)
{
	return multiply("mma_tf32", product_tf32, d, a, b, __builtin_return_address(0));
}

emu_float4 emu_mma_bf16(emu_float4 d, emu_uint4 a, emu_uint4 b)
{
	return multiply("mma_bf16", product_bf16, d, a, b, __builtin_return_address(0));
}
