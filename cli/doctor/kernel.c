/* Says what the doctor knows of the kernel: settings, limits, and what it grants when asked as by the
 * shim. */
#include "base/memory_available.h"
#include "base/proc.h"
#include "base/writer.h"
#include "cli/doctor/doctor.h"
#include "cli/doctor/probes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#define TOPIC "kernel"
#define GIB   ((size_t)1 << 30)

/* ---- settings ---- */

static void tell_huge_pages(target *p, const probes *found) {
  char text[128], *open, *close;
  if (!proc_read("/sys/kernel/mm/transparent_hugepage/enabled", text, sizeof text) ||
      !(open = strchr(text, '[')) || !(close = strchr(open, ']')))
    close = stpcpy(open = text, "[unknown");
  *close = 0;
  const options_value *asked = &p->settings.values[OPTION_THP];
  if (asked->number == SLOTS_THP_NEVER)
    findings_add(&p->found, FINDING_NOTE, TOPIC, NULL,
                 "transparent huge pages: %s; ARROW_POOL_THP=never uses none", open + 1);
  else if (strcmp(open + 1, "never") == 0)
    findings_add(&p->found, FINDING_WARNING, TOPIC,
                 "echo madvise >/sys/kernel/mm/transparent_hugepage/enabled",
                 "transparent huge pages: never; large buffers are slower to write");
  else if (found->ran && !found->gets_huge)
    findings_add(
        &p->found, FINDING_NOTE, TOPIC, NULL,
        "transparent huge pages: %s, but none came when asked for; memory may be short or fragmented",
        open + 1);
  else
    findings_add(&p->found, FINDING_OK, TOPIC, NULL, "transparent huge pages: %s", open + 1);
}

static void tell_settings(target *p) {
  char text[64];
  if (proc_read("/proc/sys/vm/max_map_count", text, sizeof text)) {
    long count = atol(text);
    if (count < 65530)
      findings_add(
          &p->found, FINDING_WARNING, TOPIC, "sysctl vm.max_map_count=65530",
          "vm.max_map_count is %ld: buffers that are moved use %ld mappings at most, then bytes are copied",
          count, count / 4);
    else
      findings_add(&p->found, FINDING_OK, TOPIC, NULL, "vm.max_map_count is %ld", count);
  }
  if (!proc_read("/proc/sys/vm/overcommit_memory", text, sizeof text))
    return;
  if (text[0] == '2')
    findings_add(
        &p->found, FINDING_NOTE, TOPIC, NULL,
        "vm.overcommit_memory is 2: the range becomes writable only as far as it is used, in small steps");
  else
    findings_add(&p->found, FINDING_OK, TOPIC, NULL, "vm.overcommit_memory is %c", text[0]);
}

static void tell_moves(target *p, const probes *found) {
  struct utsname name;
  uname(&name);
  if (!found->moves_pages)
    findings_add(&p->found, FINDING_WARNING, TOPIC,
                 "take Linux 5.7 or newer, without a sandbox that refuses mremap",
                 "Linux %s refuses to move pages (mremap with MREMAP_DONTUNMAP): bytes are copied instead",
                 name.release);
  else if (!found->moves_several)
    findings_add(&p->found, FINDING_NOTE, TOPIC, NULL,
                 "Linux %s moves pages, one mapping at a time; 6.17 and newer move several by one call",
                 name.release);
  else
    findings_add(&p->found, FINDING_OK, TOPIC, NULL, "Linux %s moves pages, several mappings by one call",
                 name.release);
}

static void tell_range(target *p, const probes *found) {
  const char *size = SIZE_TEXT((int64_t)found->reserved);
  if (!found->reserved)
    findings_add(
        &p->found, FINDING_PROBLEM, "limits", "raise ulimit -v",
        "no address range can be reserved: every buffer would come from the allocator behind the shim");
  else if (!found->writable)
    findings_add(&p->found, FINDING_PROBLEM, "limits", "raise ulimit -d, or the limits of overcommitting",
                 "the address range of %s cannot be made writable", size);
  else if (found->reserved < 64 * GIB)
    findings_add(
        &p->found, FINDING_WARNING, "limits", "raise ulimit -v",
        "the address range has only %s: what it cannot hold comes from the allocator behind the shim", size);
  else
    findings_add(&p->found, FINDING_OK, "limits", NULL, "an address range of %s can be reserved and used",
                 size);
}

/* ---- limits ---- */

/* Reads a line of /proc/PID/limits. Returns false if there is no limit, or it is not known. */
static bool doctor_kernel_read_limit(const target *p, const char *name, struct rlimit *out) {
  char path[64], text[4096];
  unsigned long long soft, hard;
  snprintf(path, sizeof path, p->pid ? "/proc/%ld/limits" : "/proc/self/limits", p->pid);
  const char *line = proc_read(path, text, sizeof text) ? strstr(text, name) : NULL;
  if (!line || sscanf(line + strlen(name), " %llu", &soft) != 1)
    return false;
  *out = (struct rlimit){soft, sscanf(line + strlen(name), " %*u %llu", &hard) == 1 ? hard : RLIM_INFINITY};
  return true;
}

void doctor_kernel(target *p) {
  struct rlimit address_space, data;
  probes found;
  bool has_space = doctor_kernel_read_limit(p, "Max address space", &address_space),
       has_data = doctor_kernel_read_limit(p, "Max data size", &data);
  char process[24] = "self";
  if (p->pid)
    snprintf(process, sizeof process, "%ld", p->pid);
  int64_t group = memory_available_in_group("", process);
  probes_run(has_space ? &address_space : NULL, has_data ? &data : NULL, &found);
  tell_huge_pages(p, &found);
  tell_settings(p);
  if (has_space)
    findings_add(&p->found, FINDING_NOTE, "limits", NULL,
                 "ulimit -v is %s: the address range takes a quarter of what it leaves",
                 SIZE_TEXT((int64_t)address_space.rlim_cur));
  if (has_data)
    findings_add(&p->found, FINDING_NOTE, "limits", NULL,
                 "ulimit -d is %s: buffers count against it as far as they are used",
                 SIZE_TEXT((int64_t)data.rlim_cur));
  if (group < memory_of_machine())
    findings_add(&p->found, FINDING_NOTE, "limits", NULL,
                 "the control group may use %s: freed pages count until ARROW_POOL_DECAY is over",
                 SIZE_TEXT(group));
  if (!found.ran) {
    findings_add(&p->found, FINDING_WARNING, TOPIC, NULL,
                 "what the kernel grants could not be tried under these limits");
    return;
  }
  tell_moves(p, &found);
  tell_range(p, &found);
}
