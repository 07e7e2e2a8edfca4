/* A library that needs library_plugin.c's, and calls no malloc itself. */
#include <stddef.h>

void *library_malloc(size_t size);
__attribute__((visibility("default"))) void *library_by_way_of_another(size_t size);
__attribute__((visibility("default"))) void *library_by_way_of_another(size_t size) {
  return library_malloc(size);
}
