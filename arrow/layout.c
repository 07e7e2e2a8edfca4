/* Reads and copies tables of virtual functions (class_info.h). */
#include "arrow/layout.h"

#include "arrow/class_info.h"

#include <dlfcn.h>
#include <link.h>
#include <stddef.h>
#include <string.h>

/* The names that a method has had, as in methods.def. */
typedef struct names {
  bool required;
  const char *aligned, *other;
} names;

static const names methods[ARROW_METHODS] = {
#define METHOD(id, required, aligned, other) [id] = {required, aligned, other},
#include "arrow/methods.def"
#undef METHOD
};

/* Returns whether it is the function of that name: inline ones may be those of any library that has a copy.
 */
static bool is_function(void *function, const char *name, const void *symbol) {
  Dl_info info;
  return function == symbol ||
         (dladdr(function, &info) && info.dli_saddr == function && strcmp(info.dli_sname, name) == 0);
}

/* Returns the one slot that holds the function; -1 if there is none, -2 if there are several. */
static int find_slot(void *library, void *const *functions, int count, const char *name) {
  void *symbol = name ? dlsym(library, name) : NULL;
  int slot = -1;
  for (int i = 0; symbol && i < count; i++)
    if (is_function(functions[i], name, symbol))
      slot = slot == -1 ? i : -2;
  return slot;
}

static const char *read_methods(void *const *proxy, int count, arrow_layout *out) {
  bool aligned[ARROW_METHODS];
  for (int m = 0; m < ARROW_METHODS; m++) {
    int first = find_slot(out->library, proxy, count, methods[m].aligned);
    int second = find_slot(out->library, proxy, count, methods[m].other);
    if (first == -2 || second == -2 || (first >= 0 && second >= 0 && first != second))
      return "a virtual function of ProxyMemoryPool cannot be told from another";
    out->indexes[m] = first >= 0 ? first : second;
    aligned[m] = first >= 0;
    if (out->indexes[m] < 0 && methods[m].required)
      return "a virtual function of ProxyMemoryPool is not where it always was";
    for (int i = 0; i < m; i++)
      if (out->indexes[m] >= 0 && out->indexes[i] == out->indexes[m])
        return "two virtual functions of ProxyMemoryPool are one";
  }
  if (aligned[ARROW_ALLOCATE] != aligned[ARROW_REALLOCATE] || aligned[ARROW_ALLOCATE] != aligned[ARROW_FREE])
    return "its virtual functions do not agree on alignments";
  out->takes_alignment = aligned[ARROW_ALLOCATE];
  out->old_string = !aligned[ARROW_BACKEND_NAME];
  return NULL;
}

/* Returns NULL if the class inherits from arrow::MemoryPool, and nothing else, so that it has that one's
 * functions; else a reason. */
static const char *check_class(const class_info *class) {
  for (int depth = 0; depth < 8 && class_info_is_mapped(class) && class_info_is_mapped(class->name);
       depth++) {
    if (strstr(class->name, "Debug"))
      return "it is Arrow's debug pool (ARROW_DEBUG_MEMORY_POOL)";
    if (strcmp(class->name, "N5arrow10MemoryPoolE") == 0)
      return depth ? NULL : "its class is abstract";
    class = class->base;
  }
  return "its class is not simply a MemoryPool";
}

const char *arrow_layout_read(void *const *functions, arrow_layout *out) {
  Dl_info info;
  const ElfW(Sym) *symbol = NULL;
  if (!dladdr(functions, &info) || !info.dli_fname)
    return "its library is unknown";
  out->library = dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
  if (!out->library)
    return "its library cannot be opened";
  void **proxy = dlsym(out->library, "_ZTVN5arrow15ProxyMemoryPoolE");
  out->zero_size_area = dlsym(out->library, "_ZN5arrow11memory_pool8internal14zero_size_areaE");
  if (!proxy || !out->zero_size_area || !dladdr1(proxy, &info, (void **)&symbol, RTLD_DL_SYMENT) || !symbol)
    return "its library does not export what is needed";
  int count = (int)(symbol->st_size / sizeof *proxy) - 2;
  if (count <= 0 || count > ARROW_LAYOUT_MAX)
    return "ProxyMemoryPool has too many virtual functions";
  const char *reason = check_class(functions[-1]);
  if (!reason)
    reason = read_methods(proxy + 2, count, out);
  /* A class may add functions after those it inherits: whatever looks like one is taken along. */
  for (out->count = 0; out->count < ARROW_LAYOUT_MAX && class_info_is_mapped(&functions[out->count]);
       out->count++)
    if (out->count >= count && !class_info_is_mapped(functions[out->count]))
      break;
  return reason ? reason : out->count < count ? "its table of virtual functions is cut off" : NULL;
}

void arrow_layout_copy(const arrow_layout *layout, void *const *functions, const arrow_functions *ours,
                       arrow_table out) {
  void *const *replacements = layout->takes_alignment ? ours->aligned : ours->plain;
  memcpy(out, functions - 2, (size_t)(layout->count + 2) * sizeof *out);
  for (int m = 0; m < ARROW_METHODS; m++)
    if (replacements[m] && layout->indexes[m] >= 0)
      out[2 + layout->indexes[m]] = replacements[m];
}
