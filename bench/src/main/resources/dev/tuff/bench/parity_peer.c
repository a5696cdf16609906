/*
 * What the same ISA-L calls reach from C: the yardstick of `tuff bench parity --against c`.
 *
 *   parity_peer CASE BYTES STRIPES SECONDS
 *
 * CASE     xor       encode 4+1, plain XOR
 *          rs        encode 4+2, Reed-Solomon
 *          delta     old ^= new, then parity 1 += coefficient * delta
 *          textbook  the same as delta, by xor_gen and gf_vect_mad
 *          crc       CRC32C
 * BYTES    length of each buffer
 * STRIPES  how many stripes to go round; a stripe is 6 buffers in a row (4 data, 2 parity), the
 *          whole set one block of memory aligned to 4 KiB
 * SECONDS  how long to run, after a fifth of it to warm up
 *
 * Prints one number: bytes of data per second (4 buffers a stripe for xor and rs, 1 for delta and crc).
 *
 * Build: gcc -O2 parity_peer.c -o parity_peer -lisal
 */
#include <isa-l.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { DATA = 4, PARITY = 2, MEMBERS = DATA + PARITY, ROUND = 16 };

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec * 1e-9;
}

static unsigned char rs_tables[32 * DATA * PARITY], one_table[32], change_table[32];
static volatile uint32_t sink;

static void operate(int which, int len, unsigned char *stripe)
{
	unsigned char *v[MEMBERS];
	for (int i = 0; i < MEMBERS; i++)
		v[i] = stripe + (size_t)i * len;
	switch (which) {
	case 0:
		xor_gen(DATA + 1, len, (void **)v);
		/* Its stores go past the caches unordered; Java fences them too. */
		__sync_synchronize();
		break;
	case 1:
		ec_encode_data(len, DATA, PARITY, rs_tables, v, v + DATA);
		break;
	case 2:
		ec_encode_data_update(len, 1, 1, 0, one_table, v[1], &v[0]);
		ec_encode_data_update(len, 1, 1, 0, change_table, v[0], &v[5]);
		break;
	case 3: {
		void *in_place[3] = { v[0], v[1], v[0] };
		xor_gen(3, len, in_place);
		gf_vect_mad(len, 1, 0, change_table, v[0], v[5]);
		break;
	}
	case 4:
		sink = ~crc32_iscsi(v[0], len, ~0u);
		break;
	}
}

static double run(int which, int len, long stripes, unsigned char *memory, double seconds)
{
	double start = now(), elapsed;
	long operations = 0, at = 0;
	do {
		for (int i = 0; i < ROUND; i++) {
			operate(which, len, memory + (size_t)at * MEMBERS * len);
			if (++at == stripes)
				at = 0;
		}
		operations += ROUND;
		elapsed = now() - start;
	} while (elapsed < seconds);
	return (double)operations * len * (which < 2 ? DATA : 1) / elapsed;
}

int main(int argc, char **argv)
{
	static const char *const cases[] = { "xor", "rs", "delta", "textbook", "crc" };
	int which = -1;
	for (int i = 0; argc == 5 && i < 5; i++)
		if (strcmp(argv[1], cases[i]) == 0)
			which = i;
	int len = argc == 5 ? atoi(argv[2]) : 0;
	long stripes = argc == 5 ? atol(argv[3]) : 0;
	double seconds = argc == 5 ? atof(argv[4]) : 0;
	if (which < 0 || len < 64 || len % 64 != 0 || stripes < 1 || seconds <= 0) {
		fprintf(stderr, "usage: parity_peer xor|rs|delta|textbook|crc BYTES STRIPES SECONDS\n");
		return 2;
	}

	/* The first columns of the matrix in docs/parity.md. */
	unsigned char matrix[DATA * PARITY] = { 1, 1, 1, 1, 236, 109, 80, 56 };
	unsigned char one = 1;
	ec_init_tables(DATA, PARITY, matrix, rs_tables);
	ec_init_tables(1, 1, &one, one_table);
	ec_init_tables(1, 1, &matrix[DATA], change_table);

	size_t bytes = (size_t)stripes * MEMBERS * len;
	bytes = (bytes + 4095) / 4096 * 4096;
	unsigned char *memory = aligned_alloc(4096, bytes);
	if (memory == NULL) {
		fprintf(stderr, "parity_peer: no memory for %zu bytes\n", bytes);
		return 1;
	}
	for (size_t i = 0; i < bytes; i++)
		memory[i] = (unsigned char)(i * 131 + (i >> 12));

	run(which, len, stripes, memory, seconds / 5);
	printf("%.0f\n", run(which, len, stripes, memory, seconds));
	free(memory);
	return 0;
}
