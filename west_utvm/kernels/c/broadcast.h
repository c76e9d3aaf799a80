/* How two inputs meet: the output's dimensions, and each input's step along them, 0 where it is
 * broadcast. */
struct utvm_broadcast {
	int32_t size[4];
	int32_t a[4];
	int32_t b[4];
};

/* Runs the statement for every element, with i and j the elements of the two inputs. */
#define UTVM_BROADCAST(p, statement)                                                              \
	for (int32_t n0 = 0; n0 < (p)->size[0]; n0++) {                                           \
		for (int32_t n1 = 0; n1 < (p)->size[1]; n1++) {                                   \
			for (int32_t n2 = 0; n2 < (p)->size[2]; n2++) {                           \
				const int32_t i0 =                                                \
					n0 * (p)->a[0] + n1 * (p)->a[1] + n2 * (p)->a[2];         \
				const int32_t j0 =                                                \
					n0 * (p)->b[0] + n1 * (p)->b[1] + n2 * (p)->b[2];         \
				for (int32_t n3 = 0; n3 < (p)->size[3]; n3++) {                   \
					const int32_t i = i0 + n3 * (p)->a[3];                    \
					const int32_t j = j0 + n3 * (p)->b[3];                    \
					statement;                                                \
				}                                                                 \
			}                                                                         \
		}                                                                                 \
	}
