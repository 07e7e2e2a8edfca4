/* What runs in the other process (stub.h). It is copied there, so it knows addresses only from the values before
 * it. A thread of the process comes to `entry` as if an interrupt had sent it there: on its stack, below the red
 * zone, lies the address at which it goes on. It leaves all registers, flags, signals and errno as they were,
 * by itself, whatever becomes of who sent it. On the way it starts a thread, which does all that may wait. */
#ifdef __x86_64__
#include "cli/attach/stub.h"

#define RED_ZONE    128
#define AREA_BYTES  131072 /* for the registers of floating point, and above them a stack */
#define SYS_MMAP    9
#define SYS_MUNMAP  11
#define SYS_SIGMASK 14

  .section .rodata
  .balign 16
  .globl attach_stub_begin, attach_stub_entry, attach_stub_end
  .hidden attach_stub_begin, attach_stub_entry, attach_stub_end
attach_stub_begin:
values:
  .zero STUB_VALUES_BYTES

attach_stub_entry:
  pushfq
  push %rax
  push %rbx
  push %rcx
  push %rdx
  push %rsi
  push %rdi
  push %rbp
  push %r8
  push %r9
  push %r10
  push %r11
  push %r12
  push %r13
  push %r14
  push %r15
  cld
  lea values(%rip), %rbx
  mov STUB_ANSWER(%rbx), %rbp
  movl $STUB_BEGUN, ANSWER_STATE(%rbp)

  /* The thread inherits which signals wait: all but the C library's own two. */
  sub $16, %rsp
  mov $SYS_SIGMASK, %eax
  mov $2, %edi /* SIG_SETMASK */
  lea STUB_SIGNALS(%rbx), %rsi
  mov %rsp, %rdx
  mov $8, %r10d
  syscall

  mov $SYS_MMAP, %eax
  xor %edi, %edi
  mov $AREA_BYTES, %esi
  mov $3, %edx     /* PROT_READ | PROT_WRITE */
  mov $0x22, %r10d /* MAP_PRIVATE | MAP_ANONYMOUS */
  mov $-1, %r8
  xor %r9d, %r9d
  syscall
  cmp $-4095, %rax
  jae no_area
  mov %rax, %r12
  mov %rsp, %r13
  mov $-1, %eax
  mov $-1, %edx
  xsave64 (%r12)
  lea AREA_BYTES(%r12), %rsp
  call *STUB_ERRNO_LOCATION(%rbx)
  mov %rax, %r14
  mov (%rax), %r15d
  sub $16, %rsp
  mov %rsp, %rdi
  xor %esi, %esi
  lea thread(%rip), %rdx
  xor %ecx, %ecx
  call *STUB_PTHREAD_CREATE(%rbx)
  mov %r15d, (%r14)
  mov %eax, %r14d
  mov $-1, %eax
  mov $-1, %edx
  xrstor64 (%r12)
  mov %r13, %rsp
  mov $SYS_MUNMAP, %eax
  mov %r12, %rdi
  mov $AREA_BYTES, %esi
  syscall
  test %r14d, %r14d
  jz go_back
  mov %r14d, ANSWER_ERROR(%rbp)
  movl $STUB_DONE, ANSWER_STATE(%rbp)
  jmp go_back
no_area:
  neg %eax
  mov %eax, ANSWER_ERROR(%rbp)
  movl $STUB_DONE, ANSWER_STATE(%rbp)
go_back:
  mov $SYS_SIGMASK, %eax
  mov $2, %edi
  mov %rsp, %rsi
  xor %edx, %edx
  mov $8, %r10d
  syscall
  add $16, %rsp
  pop %r15
  pop %r14
  pop %r13
  pop %r12
  pop %r11
  pop %r10
  pop %r9
  pop %r8
  pop %rbp
  pop %rdi
  pop %rsi
  pop %rdx
  pop %rcx
  pop %rbx
  pop %rax
  popfq
  ret $RED_ZONE

  /* A thread like any other, which may wait for any lock. It looks the library up, and calls its function. */
thread:
  push %rbx
  push %rbp
  sub $8, %rsp
  lea values(%rip), %rbx
  mov STUB_ANSWER(%rbx), %rbp
  mov %fs:16, %rdi /* pthread_self() */
  call *STUB_PTHREAD_DETACH(%rbx)
  mov STUB_PATH(%rbx), %rdi
  mov $STUB_DLOPEN_FLAGS, %esi
  call *STUB_DLOPEN(%rbx)
  test %rax, %rax
  jz refused
  mov %rax, %rdi
  mov STUB_FUNCTION(%rbx), %rsi
  call *STUB_DLSYM(%rbx)
  test %rax, %rax
  jz refused
  mov STUB_OPTIONS(%rbx), %rdi
  lea ANSWER_MESSAGE(%rbp), %rsi
  mov $STUB_MESSAGE_BYTES, %edx
  call *%rax
  mov %eax, ANSWER_STATUS(%rbp)
  movl $1, ANSWER_CALLED(%rbp)
  jmp finish
refused:
  call *STUB_DLERROR(%rbx)
  test %rax, %rax
  jz finish
  lea ANSWER_MESSAGE(%rbp), %rdx
  lea STUB_MESSAGE_BYTES-1(%rdx), %rcx
copy:
  mov (%rax), %sil
  mov %sil, (%rdx)
  test %sil, %sil
  jz finish
  inc %rax
  inc %rdx
  cmp %rcx, %rdx
  jb copy
finish:
  movl $STUB_DONE, ANSWER_STATE(%rbp)
  xor %eax, %eax
  add $8, %rsp
  pop %rbp
  pop %rbx
  ret
attach_stub_end:
#endif
  .section .note.GNU-stack, "", @progbits
