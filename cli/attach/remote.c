/* Reads and writes the memory of another process (remote.h). */
#include "cli/attach/remote.h"

#include <errno.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/uio.h>

bool remote_read(long pid, uint64_t address, void *out, size_t size) {
  struct iovec here = {out, size}, there = {(void *)(uintptr_t)address, size};
  return process_vm_readv((pid_t)pid, &here, 1, &there, 1, 0) == (ssize_t)size;
}

bool remote_write(long pid, uint64_t address, const void *bytes, size_t size) {
  struct iovec here = {(void *)(uintptr_t)bytes, size}, there = {(void *)(uintptr_t)address, size};
  return process_vm_writev((pid_t)pid, &here, 1, &there, 1, 0) == (ssize_t)size;
}

bool remote_write_code(long tid, uint64_t address, const void *bytes, size_t size) {
  for (size_t at = 0; at < size; at += sizeof(long)) {
    size_t length = size - at < sizeof(long) ? size - at : sizeof(long);
    errno = 0;
    long word = ptrace(PTRACE_PEEKDATA, (pid_t)tid, (void *)(uintptr_t)(address + at), NULL), before = word;
    if (errno)
      return false;
    memcpy(&word, (const char *)bytes + at, length);
    if (word != before &&
        ptrace(PTRACE_POKEDATA, (pid_t)tid, (void *)(uintptr_t)(address + at), (void *)word) != 0)
      return false;
  }
  return true;
}
