/* Says what the doctor knows of the libraries that come in with a file: whether the loader tells them, and
 * each libarrow among them. */
#include "cli/doctor/doctor.h"

#include <stdio.h>
#include <string.h>

bool doctor_ask_libraries(target *p, const char *loader, const char *file, libraries *out) {
  bool known = libraries_ask(loader, file, p->environment, out);
  if (*out->asked)
    findings_add_ran(&p->found, out->asked, file);
  if (!known)
    findings_add(&p->found, FINDING_PROBLEM, "program", NULL,
                 "which libraries %s loads is not known: %s%s%s, %s", file, *out->asked ? out->asked : loader,
                 *out->asked ? " " : "", *out->asked ? file : "", out->problem);
  return known;
}

bool doctor_arrows(target *p, const libraries *l) {
  bool any = false;
  for (size_t i = 0; i < l->count; i++)
    if (doctor_arrow_is_named(l->all[i].name)) {
      any = true;
      if (l->all[i].path)
        doctor_arrow(p, l->all[i].path);
      else
        findings_add(&p->found, FINDING_PROBLEM, "arrow", NULL,
                     "%s, which it is linked to, is not found here", l->all[i].name);
    }
  return any;
}

void doctor_static_arrow(target *p, const char *path) {
  findings_add(&p->found, FINDING_PROBLEM, "arrow", "link it to libarrow.so",
               "libarrow is linked into %s: its pools stay its own", path);
}
