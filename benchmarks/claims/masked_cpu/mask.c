// Preloaded into a command: answers `cpuid` without AVX-512, VNNI and AMX, and shows a
// /proc/cpuinfo to match. The copy of ONNX Runtime holds `ud2` (0f 0b) where `cpuid` (0f a2) stood.
#define _GNU_SOURCE
#include <cpuid.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

// Bits of leaf 7 (Intel SDM volume 2A, CPUID), by sub-leaf and register.
enum {
  AVX512_EBX = 1u << 16 | 1u << 17 | 1u << 21 | 1u << 26 | 1u << 27 | 1u << 28 | 1u << 30 | 1u << 31,
  AVX512_ECX = 1u << 1 | 1u << 6 | 1u << 11 | 1u << 12 | 1u << 14,
  AVX512_AMX_EDX = 1u << 2 | 1u << 3 | 1u << 8 | 1u << 22 | 1u << 23 | 1u << 24 | 1u << 25,
  VNNI_BF16_EAX = 1u << 4 | 1u << 5 | 1u << 21 | 1u << 23,
  VNNI_INT8_16_EDX = 1u << 4 | 1u << 5 | 1u << 10 | 1u << 19,
};

static void answer(int number, siginfo_t *info, void *context) {
  (void)info;
  greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
  const unsigned char *code = (const unsigned char *)registers[REG_RIP];
  if (code[0] != 0x0f || code[1] != 0x0b) {
    signal(number, SIG_DFL); // not ours: the instruction traps again and ends the process
    return;
  }
  unsigned leaf = registers[REG_RAX], sub = registers[REG_RCX], eax, ebx, ecx, edx;
  __cpuid_count(leaf, sub, eax, ebx, ecx, edx);
  if (leaf == 7 && sub == 0) ebx &= ~AVX512_EBX, ecx &= ~AVX512_ECX, edx &= ~AVX512_AMX_EDX;
  if (leaf == 7 && sub == 1) eax &= ~VNNI_BF16_EAX, edx &= ~VNNI_INT8_16_EDX;
  registers[REG_RAX] = eax, registers[REG_RBX] = ebx;
  registers[REG_RCX] = ecx, registers[REG_RDX] = edx;
  registers[REG_RIP] += 2;
}

__attribute__((constructor)) static void install(void) {
  struct sigaction action = {.sa_sigaction = answer, .sa_flags = SA_SIGINFO | SA_NODEFER};
  sigaction(SIGILL, &action, NULL);
}

static const char *shown(const char *path) {
  const char *masked = getenv("EDGEPRESS_MASKED_CPUINFO");
  return masked && path && strcmp(path, "/proc/cpuinfo") == 0 ? masked : path;
}

#define OPEN(name)                                                \
  int name(const char *path, int flags, ...) {                    \
    static int (*real)(const char *, int, ...);                   \
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, #name);         \
    va_list rest;                                                 \
    va_start(rest, flags);                                        \
    mode_t mode = va_arg(rest, mode_t);                           \
    va_end(rest);                                                 \
    return real(shown(path), flags, mode);                        \
  }
OPEN(open)
OPEN(open64)

#define FOPEN(name)                                               \
  FILE *name(const char *path, const char *how) {                 \
    static FILE *(*real)(const char *, const char *);             \
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, #name);         \
    return real(shown(path), how);                                \
  }
FOPEN(fopen)
FOPEN(fopen64)
