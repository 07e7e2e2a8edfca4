/* Which file an address is of: the same as the loader's list says, and as the file itself has it. */
#include "unit.h"

#include "profile/loaded.h"
#include "profile/modules.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* The look-up of the library's is ours (--wrap): we can be a C library that has no _dl_find_object. */
static bool is_old;
void *__real_dlsym(void *handle, const char *name);
void *__wrap_dlsym(void *handle, const char *name);
void *__wrap_dlsym(void *handle, const char *name) {
  return is_old && strcmp(name, "_dl_find_object") == 0 ? NULL : __real_dlsym(handle, name);
}

/* ---- build ids, from the file ---- */

typedef struct contents {
  const uint8_t *bytes;
  size_t size;
} contents;

static bool map_file(const char *path, contents *out) {
  FILE *file = fopen(path, "re");
  if (!file)
    return false;
  CHECK(fseek(file, 0, SEEK_END) == 0);
  out->size = (size_t)ftell(file);
  out->bytes = mmap(NULL, out->size, PROT_READ, MAP_PRIVATE, fileno(file), 0);
  fclose(file);
  return out->bytes != MAP_FAILED;
}

/* Reads the section .note.gnu.build-id: its contents come after 16 bytes. Returns the id's size; 0: none. */
static size_t id_in_file(const char *path, uint8_t *out, size_t most) {
  contents file;
  size_t size = 0;
  CHECK(map_file(path, &file));
  const Elf64_Ehdr *header = (const void *)file.bytes;
  const Elf64_Shdr *sections = (const void *)(file.bytes + header->e_shoff),
                   *names = &sections[header->e_shstrndx];
  for (int i = 0; i < header->e_shnum; i++)
    if (strcmp((const char *)file.bytes + names->sh_offset + sections[i].sh_name, ".note.gnu.build-id") ==
        0) {
      size = sections[i].sh_size - 16;
      CHECK(size <= most);
      memcpy(out, file.bytes + sections[i].sh_offset + 16, size);
    }
  munmap((void *)file.bytes, file.size);
  return size;
}

/* ---- every object ---- */

static int objects, ids;

static void check_path(const char *name, const char *path) {
  char program[PATH_MAX];
  if (*name) {
    CHECK(strcmp(path, name) == 0);
    return;
  }
  ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
  CHECK(length > 0);
  program[length] = 0;
  CHECK(strcmp(path, program) == 0);
}

static size_t check_id(const modules_found *module) {
  uint8_t expected[64];
  if (module->path[0] != '/') /* the kernel's library */
    return 0;
  size_t size = id_in_file(module->path, expected, sizeof expected);
  CHECK(module->build_id_bytes == (size <= MODULES_BUILD_ID_BYTES ? size : 0));
  CHECK(memcmp(module->build_id, expected, module->build_id_bytes) == 0);
  return size;
}

static size_t check_address(const struct dl_phdr_info *info, uintptr_t address) {
  modules_found module;
  Dl_info told;
  memset(&module, 0x55, sizeof module);
  CHECK(modules_find(address, &module));
  CHECK(address >= module.from && address < module.to && module.bias == info->dlpi_addr);
  CHECK(dladdr((const void *)address, &told) != 0);
  CHECK(module.from - (uintptr_t)told.dli_fbase < 4096); /* the loader's is of whole pages */
  for (int i = 0; i < info->dlpi_phnum; i++) {
    uintptr_t from = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
    if (info->dlpi_phdr[i].p_type == PT_LOAD)
      CHECK(module.from <= from && module.to >= from + info->dlpi_phdr[i].p_memsz);
  }
  check_path(info->dlpi_name, module.path);
  return check_id(&module);
}

static int check_object(struct dl_phdr_info *info, size_t size, void *data) {
  size_t id = 0;
  (void)size, (void)data;
  for (int i = 0; i < info->dlpi_phnum; i++) {
    const Elf64_Phdr *segment = &info->dlpi_phdr[i];
    uintptr_t from = info->dlpi_addr + segment->p_vaddr;
    if (segment->p_type != PT_LOAD)
      continue;
    id = check_address(info, from);
    CHECK(check_address(info, from + segment->p_memsz / 2) == id);
    CHECK(check_address(info, from + segment->p_memsz - 1) == id);
  }
  objects++;
  ids += id != 0;
  return 0;
}

TEST(every_object_is_described_as_its_file_is) {
  static const char *const more[] = {"libz.so.1", "libcrypto.so.3", "libexpat.so.1", "libstdc++.so.6",
                                     "libxml2.so.2"};
  for (size_t i = 0; i < COUNT_OF(more); i++)
    dlopen(more[i], RTLD_NOW | RTLD_LOCAL); /* as far as they are there; they stay */
  objects = ids = 0;
  dl_iterate_phdr(check_object, NULL);
  print_message("%d objects, %d of them with a build id\n", objects, ids);
  assert_true(objects > 2 && ids > 0);
}

TEST(what_is_no_objects_has_no_module) {
  modules_found module, before;
  memset(&module, 0x55, sizeof module);
  before = module;
  void *memory = malloc(100);
  errno = 4711;
  assert_false(modules_find((uintptr_t)memory, &module));
  assert_false(modules_find((uintptr_t)&module, &module));
  assert_false(modules_find(0, &module));
  assert_false(modules_find(UINT64_MAX, &module));
  assert_int_equal(errno, 4711);
  assert_memory_equal(&module, &before, sizeof module);
  free(memory);
}

static int start(void **state) {
  (void)state;
  modules_start();
  return 0;
}

static int start_as_of_old(void **state) {
  is_old = true;
  return start(state);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_object_is_described_as_its_file_is),
      cmocka_unit_test(what_is_no_objects_has_no_module),
  };
  int failed = cmocka_run_group_tests_name("without a lock", tests, start, NULL);
  return failed + cmocka_run_group_tests_name("with the loader's lock", tests, start_as_of_old, NULL);
}
