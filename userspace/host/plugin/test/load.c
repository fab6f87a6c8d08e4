// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A fixed load to measure the plugin's slowdown with: sorting, pointer
 * chasing, string hashing, a matrix product, indirect calls.  Markers of the
 * self-test (../selftest.h) around each part let its counts be compared.
 */
#define N	65536
#define DIM	48

static unsigned int data[N];
static unsigned int next[N];
static char text[N];
static int a[DIM][DIM], b[DIM][DIM], c[DIM][DIM];

static unsigned int seed = 1;

static unsigned int random(void)
{
	seed = seed * 1664525 + 1013904223;
	return seed >> 8;
}

static unsigned int sort(void)
{
	unsigned int gap, i, j, value;

	for (i = 0; i < N; i++)
		data[i] = random();
	for (gap = N / 2; gap; gap = gap * 5 / 11)
		for (i = gap; i < N; i++) {
			value = data[i];
			for (j = i; j >= gap && data[j - gap] > value; j -= gap)
				data[j] = data[j - gap];
			data[j] = value;
		}
	return data[N / 2];
}

static unsigned int chase(void)
{
	unsigned int i, j, t;

	for (i = 0; i < N; i++)
		next[i] = i;
	for (i = N - 1; i; i--) {
		j = random() % i;
		t = next[i];
		next[i] = next[j];
		next[j] = t;
	}
	for (i = 0, j = 0; i < 4 * N; i++)
		j = next[j];
	return j;
}

static unsigned int hash(void)
{
	unsigned int i, h = 2166136261u;

	for (i = 0; i < N; i++)
		text[i] = random();
	for (i = 0; i < N; i++)
		h = (h ^ (unsigned char)text[i]) * 16777619;
	return h;
}

static unsigned int multiply(void)
{
	unsigned int i, j, k;

	for (i = 0; i < DIM; i++)
		for (j = 0; j < DIM; j++) {
			a[i][j] = random();
			b[i][j] = random();
			c[i][j] = 0;
		}
	for (i = 0; i < DIM; i++)
		for (j = 0; j < DIM; j++)
			for (k = 0; k < DIM; k++)
				c[i][j] += a[i][k] * b[k][j];
	return c[DIM - 1][DIM - 1];
}

/* Phase number @nr of the self-test begins. */
#define MARKER(nr) \
	__asm__ volatile("jmp 1f\n\t" \
			 ".balign 64\n" \
			 "1:\t.byte 0x0f, 0x1f, 0x84, 0x00\n\t" \
			 ".long 0x50560000 + " #nr ::: "memory")

static unsigned int marked(unsigned int (*const *parts)(void))
{
	unsigned int sum;

	MARKER(0);
	sum = parts[0]();
	MARKER(1);
	sum ^= parts[1]();
	MARKER(2);
	sum ^= parts[2]();
	MARKER(3);
	sum ^= parts[3]();
	MARKER(4);
	return sum;
}

int main(void)
{
	/* Not constant for the compiler, so the calls are indirect. */
	static unsigned int (*parts[])(void) = { sort, chase, hash, multiply };
	unsigned int round, sum = 0;

	__asm__ volatile("" : "+m" (parts));
	for (round = 0; round < 30; round++)
		sum ^= marked(parts);
	/* 0, but the compiler does not know. */
	return sum == 0x12345678;
}
