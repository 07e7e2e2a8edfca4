/* What the parts of the pprof writer share: places (pprof_places.c) and samples (pprof.c). */
#ifndef ARROWPOOL_CLI_WHO_PPROF_H
#define ARROWPOOL_CLI_WHO_PPROF_H

#include "cli/who/model.h"
#include "cli/who/proto.h"

/* Numbers of fields of profile.proto's Profile. */
enum { OF_SAMPLE_TYPE = 1, OF_SAMPLE, OF_MAPPING, OF_LOCATION, OF_FUNCTION, OF_STRING, OF_DROP_FRAMES };
enum { OF_TIME = 9, OF_DURATION, OF_PERIOD_TYPE, OF_PERIOD, OF_COMMENT, OF_DEFAULT_SAMPLE_TYPE };

/* A profile that is being written. It begins with all zero but the model. */
typedef struct pprof {
  const who_model *model;
  proto all;                    /* what is made of it */
  proto message, inner, packed; /* what goes into that next; empty between functions */
  hash_index strings, functions;
  uint64_t *starts; /* by module: where it is mapped here */
  bool *located;    /* by identifier: the location is written */
} pprof;

/* Returns the text's number in the table of strings, which pprof_write_strings writes at the end. */
uint64_t pprof_string(pprof *p, const char *text);
void pprof_write_strings(pprof *p);

/* Writes the mappings; before the first location. */
void pprof_write_mappings(pprof *p);

/* Adds to p->packed the identifiers of a stack's locations, innermost first, and writes those that are not
 * there yet. */
void pprof_write_locations(pprof *p, const who_stack *s);

void pprof_free(pprof *p);

#endif
