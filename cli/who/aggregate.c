/* Gives each stack, or of threads each record, to its row, and finds each row's largest leaves. */
#include "cli/who/aggregate.h"

#include "cli/base/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What rows are told apart by: texts by their address. */
typedef struct row_key {
  const void *first, *second;
  int64_t number;
  profile_kind kind;
  bool other;
} row_key;

typedef struct building {
  row_key key;
  who_row row;
} building;

typedef struct leaf {
  size_t row;
  const char *name;
  double bytes;
} leaf;

typedef struct aggregation {
  const who_model *m;
  hash_index rows, leaves; /* building, leaf */
} aggregation;

#define HASH(hash, value) hash_index_hash(hash, &(value), sizeof(value))

static uint64_t hash_row(const void *entry) {
  const row_key *key = &((const building *)entry)->key;
  return HASH(HASH(HASH(HASH(HASH_INDEX_START, key->first), key->second), key->number), key->kind);
}

static bool same_row(const void *a, const void *b) {
  const row_key *one = &((const building *)a)->key, *other = &((const building *)b)->key;
  return one->first == other->first && one->second == other->second && one->number == other->number &&
         one->kind == other->kind && one->other == other->other;
}

static uint64_t hash_leaf(const void *entry) {
  const leaf *l = entry;
  return HASH(HASH(HASH_INDEX_START, l->row), l->name);
}

static bool same_leaf(const void *a, const void *b) {
  const leaf *one = a, *other = b;
  return one->row == other->row && one->name == other->name;
}

static const hash_index_kind rows = {sizeof(building), hash_row, same_row},
                             leaves = {sizeof(leaf), hash_leaf, same_leaf};

/* ---- rows ---- */

static uint32_t leaf_of(const who_stack *s) { return s->native_count ? who_native_number(s, 0) : WHO_NONE; }

static row_key key_of(const who_model *m, const who_stack *s, uint32_t thread) {
  const who_frame *line = who_line_of(m, s);
  switch (m->by) {
  case WHO_BY_NATIVE: /* places with one name are one function */
    return (row_key){.first = s->native_count ? who_native_of(m, s, 0)->name : NULL, .other = s->other};
  case WHO_BY_POOL:
    return (row_key){.first = s->pool};
  case WHO_BY_THREAD:
    return (row_key){.first = who_thread_at(m, thread)->name,
                     .second = &m->processes[who_thread_at(m, thread)->process],
                     .number = who_thread_at(m, thread)->number};
  default:
    return (row_key){.first = line ? line->file : NULL,
                     .second = line ? line->function : NULL,
                     .number = line && m->by == WHO_BY_LINE ? line->line : 0,
                     .kind = s->kind,
                     .other = s->other};
  }
}

/* Returns the number of the row that the stack, or a record of it, belongs to. */
static size_t row_of(aggregation *a, const who_stack *s, uint32_t thread) {
  building wanted = {
      .key = key_of(a->m, s, thread),
      .row = {.stack = s, .frame = who_line_of(a->m, s), .native = leaf_of(s), .thread = thread}};
  building *found = hash_index_find(&a->rows, &rows, &wanted);
  if (!found)
    found = hash_index_add(&a->rows, &rows, &wanted);
  return (size_t)(found - (building *)a->rows.entries);
}

static void add_amount(aggregation *a, size_t number, const who_stack *s, const who_amount *amount) {
  who_amount_add(&((building *)a->rows.entries)[number].row.amount, amount);
  if (!s->native_count)
    return;
  leaf wanted = {.row = number, .name = who_native_of(a->m, s, 0)->name};
  leaf *found = hash_index_find(&a->leaves, &leaves, &wanted);
  if (!found)
    found = hash_index_add(&a->leaves, &leaves, &wanted);
  found->bytes += amount->bytes;
}

static void note_buffer(const who_model *m, who_row *row, const who_record *r) {
  int64_t age = m->processes[r->process].time - r->since;
  if (r->weight <= 0)
    return;
  row->oldest = age > row->oldest ? age : row->oldest;
  row->largest = r->size > row->largest ? r->size : row->largest;
}

static void add_stacks(aggregation *a) {
  const who_model *m = a->m;
  size_t *numbers = memory_zeroed(m->stacks.count + 1, sizeof *numbers); /* of the stacks' rows, plus 1 */
  for (size_t i = 0; i < m->stacks.count; i++) {
    const who_stack *s = who_stack_at(m, i);
    if (who_amount_of(m, s)->samples == 0 && who_amount_of(m, s)->bytes == 0)
      continue;
    size_t number = row_of(a, s, WHO_NONE);
    add_amount(a, number, s, who_amount_of(m, s));
    numbers[i] = number + 1;
  }
  building *built = a->rows.entries;
  for (size_t i = 0; built && m->what == WHO_LIVE && i < m->record_count; i++)
    if (numbers[m->records[i].stack])
      note_buffer(m, &built[numbers[m->records[i].stack] - 1].row, &m->records[i]);
  free(numbers);
}

static void add_records(aggregation *a) {
  const who_model *m = a->m;
  for (size_t i = 0; i < m->record_count; i++) {
    const who_record *r = &m->records[i];
    const who_stack *s = who_stack_at(m, r->stack);
    who_amount amount = who_amount_of_record(r);
    size_t number = row_of(a, s, r->thread);
    add_amount(a, number, s, &amount);
    note_buffer(m, &((building *)a->rows.entries)[number].row, r);
  }
}

/* ---- the table ---- */

static void take_leaf(who_row *row, const leaf *l) {
  who_leaf now = {l->name, row->amount.bytes != 0 ? l->bytes / row->amount.bytes : 0};
  for (size_t i = 0; i < WHO_LEAVES; i++)
    if (!row->leaves[i].name || now.share > row->leaves[i].share) {
      who_leaf before = row->leaves[i];
      row->leaves[i] = now;
      now = before;
      if (!now.name)
        return;
    }
}

/* The largest first; what is alike as it came. */
static int compare_rows(const void *a, const void *b) {
  const who_row *one = a, *other = b;
  if (one->amount.bytes != other->amount.bytes)
    return one->amount.bytes > other->amount.bytes ? -1 : 1;
  return one->stack < other->stack ? -1 : one->stack > other->stack;
}

static bool is_small(const who_model *m, const who_table *t, size_t row) {
  double bytes = t->rows[row].amount.bytes;
  return m->at_least > 0 && bytes < m->at_least * t->whole && (row >= m->least_rows || bytes < 0);
}

static void leave_small_out(const who_model *m, who_table *t) {
  for (size_t i = 0; i < t->count; i++)
    t->whole += t->rows[i].amount.bytes > 0 ? t->rows[i].amount.bytes : 0;
  while (t->count && is_small(m, t, t->count - 1)) {
    who_amount_add(&t->rest, &t->rows[--t->count].amount);
    t->rest_count++;
  }
}

void who_aggregate(const who_model *m, who_table *out) {
  aggregation a = {.m = m};
  if (m->by == WHO_BY_THREAD)
    add_records(&a);
  else
    add_stacks(&a);
  building *built = a.rows.entries;
  for (size_t i = 0; i < a.leaves.count; i++) {
    const leaf *l = &((leaf *)a.leaves.entries)[i];
    take_leaf(&built[l->row].row, l);
  }
  *out = (who_table){.rows = memory_zeroed(a.rows.count + 1, sizeof *out->rows)};
  for (size_t i = 0; i < a.rows.count; i++)
    if (fabs(built[i].row.amount.bytes) >= 0.5)
      out->rows[out->count++] = built[i].row;
  hash_index_free(&a.rows);
  hash_index_free(&a.leaves);
  qsort(out->rows, out->count, sizeof *out->rows, compare_rows);
  leave_small_out(m, out);
}

void who_table_free(who_table *t) {
  free(t->rows);
  *t = (who_table){0};
}
