/*
 * What the same ISA-L calls reach from C: the yardstick of `tuff bench parity --against c`.
 *
 *   parity_peer CASE BYTES STRIPES SECONDS
 *
 * CASE     xor       encode 4+1, plain XOR, with the fence its unordered stores need
 *          unfenced  the same without the fence: only for who reads the result on the same core
 *          rs        encode 4+2, Reed-Solomon
 *          delta     old ^= new, then parity 1 += coefficient * delta
 *          textbook  the same as delta, by xor_gen and gf_vect_mad
 *          crc       CRC32C
 * BYTES    length of each buffer
 * STRIPES  how many stripes to go round; a stripe is 6 buffers in a row (4 data, 2 parity), the
 *          whole set one block of memory aligned to 4 KiB
 * SECONDS  how long to run, after a fifth of it to warm up
 *
 * Prints two numbers: bytes of data per second, and per second of CPU time, which a busy machine
 * disturbs less (4 buffers a stripe for xor, unfenced and rs, 1 for delta, textbook and crc).
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

enum operation { XOR, UNFENCED, RS, DELTA, TEXTBOOK, CRC, OPERATIONS };
static const char *const names[OPERATIONS] = { "xor", "unfenced", "rs", "delta", "textbook", "crc" };

struct speed {
	double per_second, per_cpu_second;
};

static double seconds_of(clockid_t clock)
{
	struct timespec t;
	clock_gettime(clock, &t);
	return t.tv_sec + t.tv_nsec * 1e-9;
}

static unsigned char rs_tables[32 * DATA * PARITY], one_table[32], change_table[32];
static volatile uint32_t sink;

static void operate(enum operation which, int len, unsigned char *stripe)
{
	unsigned char *v[MEMBERS];
	for (int i = 0; i < MEMBERS; i++)
		v[i] = stripe + (size_t)i * len;
	switch (which) {
	case UNFENCED:
		xor_gen(DATA + 1, len, (void **)v);
		break;
	case XOR:
		xor_gen(DATA + 1, len, (void **)v);
		/* Its stores go past the caches unordered; Java fences them too. */
		__sync_synchronize();
		break;
	case RS:
		ec_encode_data(len, DATA, PARITY, rs_tables, v, v + DATA);
		break;
	case DELTA:
		ec_encode_data_update(len, 1, 1, 0, one_table, v[1], &v[0]);
		ec_encode_data_update(len, 1, 1, 0, change_table, v[0], &v[5]);
		break;
	case TEXTBOOK: {
		void *in_place[3] = { v[0], v[1], v[0] };
		xor_gen(3, len, in_place);
		gf_vect_mad(len, 1, 0, change_table, v[0], v[5]);
		break;
	}
	case CRC:
		sink = ~crc32_iscsi(v[0], len, ~0u);
		break;
	case OPERATIONS:
		break;
	}
}

static struct speed run(enum operation which, int len, long stripes, unsigned char *memory,
			double seconds)
{
	double start = seconds_of(CLOCK_MONOTONIC), cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
	double elapsed;
	long operations = 0, at = 0;
	do {
		for (int i = 0; i < ROUND; i++) {
			operate(which, len, memory + (size_t)at * MEMBERS * len);
			if (++at == stripes)
				at = 0;
		}
		operations += ROUND;
		elapsed = seconds_of(CLOCK_MONOTONIC) - start;
	} while (elapsed < seconds);
	cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	double bytes = (double)operations * len * (which <= RS ? DATA : 1);
	return (struct speed){ bytes / elapsed, bytes / cpu };
}

int main(int argc, char **argv)
{
	enum operation which = OPERATIONS;
	for (int i = 0; argc == 5 && i < OPERATIONS; i++)
		if (strcmp(argv[1], names[i]) == 0)
			which = i;
	int len = argc == 5 ? atoi(argv[2]) : 0;
	long stripes = argc == 5 ? atol(argv[3]) : 0;
	double seconds = argc == 5 ? atof(argv[4]) : 0;
	if (which == OPERATIONS || len < 64 || len % 64 != 0 || stripes < 1 || seconds <= 0) {
		fprintf(stderr, "usage: parity_peer xor|unfenced|rs|delta|textbook|crc BYTES STRIPES SECONDS\n");
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
	struct speed speed = run(which, len, stripes, memory, seconds);
	printf("%.0f %.0f\n", speed.per_second, speed.per_cpu_second);
	free(memory);
	return 0;
}
