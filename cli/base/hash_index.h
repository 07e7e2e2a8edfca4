/* An array that grows holds entries of one size, in the order in which they came; an index over it, of 8 to
 * 16 bytes an entry, finds them by what they have in common with others. uthash would take 7 times that. */
#ifndef ARROWPOOL_CLI_BASE_HASH_INDEX_H
#define ARROWPOOL_CLI_BASE_HASH_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Says what an index is of, and is constant. `same` entries have the same hash. */
typedef struct hash_index_kind {
  size_t entry_size;
  uint64_t (*hash)(const void *entry);
  bool (*same)(const void *a, const void *b);
} hash_index_kind;

typedef struct hash_index {
  void *entries; /* NULL: there are none yet */
  size_t count, room;
  uint32_t *cells; /* number of an entry plus 1, or 0; open addressing, a power of two */
  size_t cell_count;
} hash_index;

/* Returns the entry that is the same as `wanted`; NULL if there is none. */
void *hash_index_find(const hash_index *x, const hash_index_kind *kind, const void *wanted);

/* Adds a copy of an entry that is not there. Entries may move. The index begins with all zero. */
void *hash_index_add(hash_index *x, const hash_index_kind *kind, const void *entry);

void hash_index_free(hash_index *x);

/* Hashes what makes up a key (FNV-1a); the first hash is HASH_INDEX_START. */
#define HASH_INDEX_START UINT64_C(0xcbf29ce484222325)
uint64_t hash_index_hash(uint64_t hash, const void *bytes, size_t size);

#endif
