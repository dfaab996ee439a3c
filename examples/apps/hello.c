// SPDX-License-Identifier: Apache-2.0
// The smallest program to launch: says where it runs and what it was given.
#include <stdio.h>
#include <stdlib.h>
#include <sys/utsname.h>
#include <unistd.h>

int main(int argc, char** argv) {
  struct utsname system;
  if (uname(&system) != 0) {
    perror("uname");
    return 1;
  }
  const char* enclave = getenv("HOBBES_ENCLAVE_ID");
  printf("Hello from %s %s, process %d", system.sysname, system.release, getpid());
  printf(enclave != NULL ? ", enclave %s\n" : ", no enclave%s\n", enclave != NULL ? enclave : "");
  for (int i = 1; i < argc; ++i) printf("argument %d: %s\n", i, argv[i]);
  return 0;
}
