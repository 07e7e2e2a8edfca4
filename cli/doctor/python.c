/* Says what the doctor knows of a command that is Python: what its interpreter says, and its pyarrow. */
#include "cli/program/python.h"
#include "cli/doctor/doctor.h"

#include <string.h>

/* Returns whether it is called Python, and so takes -c: a program with Python in it may do anything. */
static bool is_called_python(const program *of) {
  return strncmp(basename(of->path), "python", 6) == 0 || strncmp(basename(of->real), "python", 6) == 0;
}

/* Tells of the module pyarrow.lib, which links to libarrow. */
static void tell_extension(target *p, const program *of, const python *py) {
  elf_file f;
  libraries l;
  const char *problem =
      *py->extension ? elf_file_open(py->extension, &f) : "its module pyarrow.lib is not there";
  if (problem) {
    findings_add(&p->found, FINDING_PROBLEM, "arrow", "install pyarrow again", "%s: %s",
                 *py->extension ? py->extension : py->package, problem);
    return;
  }
  elf_file_close(&f);
  if (doctor_ask_libraries(p, of->elf.interpreter, py->extension, &l) && !doctor_arrows(p, &l))
    doctor_static_arrow(p, py->extension);
  libraries_free(&l);
}

static void tell_package(target *p, const program *of, const python *py) {
  if (*py->failure)
    findings_add(&p->found, FINDING_PROBLEM, "arrow", NULL, "looking for pyarrow failed in %s: %s", of->path,
                 py->failure);
  else if (!*py->package)
    findings_add(&p->found, FINDING_NOTE, "arrow",
                 "PYTHONPATH, if it is not set when the program starts, or pip install pyarrow",
                 "no pyarrow in %s; libc's aligned functions are served",
                 *py->places ? py->places : "any directory that could be found");
  if (!*py->package)
    return;
  findings_add(&p->found, FINDING_OK, "arrow", NULL, "pyarrow %s: %s",
               *py->package_version ? py->package_version : "of an unknown version", py->package);
  if (!*py->failure)
    tell_extension(p, of, py);
}

void doctor_python(target *p, const program *of) {
  static python py; /* it is static because it is large */
  if (!is_called_python(of)) {
    findings_add(
        &p->found, FINDING_NOTE, "arrow", NULL,
        "Python is in it, but it is not called python: it is not asked which pyarrow it would import");
    return;
  }
  bool answered = python_ask(of, p->environment, p->directory, &py);
  findings_add_ran(&p->found, py.asked, "");
  if (!answered) {
    findings_add(&p->found, FINDING_PROBLEM, "arrow", NULL,
                 "which pyarrow %s would import is not known: %s, %s", of->path, py.asked, py.problem);
    return;
  }
  findings_add(&p->found, FINDING_OK, "program", NULL, "it is Python %s %s%s", py.version,
               py.is_venv ? "of the virtual environment " : "with the prefix ", py.prefix);
  doctor_profile_python(p, &py);
  tell_package(p, of, &py);
  doctor_bundled_installed(p, py.sites);
}
