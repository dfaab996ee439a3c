// SPDX-License-Identifier: Apache-2.0
// A kernel for the hosted bridge's tests: it obeys the boot and machine protocols and otherwise misbehaves as its
// command line says:
//   run      serves the machine protocol
//   fork     the same, and leaves a child that does not die with it
//   hang     never reports that it runs
//   exit     writes a line to stderr and exits with status 3
//   fault    reads address 0
//   panic    leaves a crash record
//   scribble fills the rest of its boot block, then exits with status 4
//   deaf     runs, but never answers on its socket
// Freestanding: the headers below give types and numbers only.
#include <linux/futex.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "kernel-bridge/abi/boot_params.h"
#include "kernel-bridge/abi/hosted.h"

extern "C" void* memcpy(void* to, const void* from, size_t size) {
  asm volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(size) : : "memory");
  return to;
}
extern "C" void* memset(void* to, int value, size_t size) {
  void* at = to;
  asm volatile("rep stosb" : "+D"(at), "+c"(size) : "a"(value) : "memory");
  return to;
}

namespace {

constexpr unsigned max_regions = sizeof(hobbes_machine_reply::regions) / sizeof(hobbes_machine_reply::regions[0]);

template <typename A = long, typename B = long, typename C = long, typename D = long>
long call(long number, A a = {}, B b = {}, C c = {}, D d = {}) {
  register long r10 asm("r10") = (long)d;
  long result;
  asm volatile("syscall"
               : "=a"(result)
               : "a"(number), "D"((long)a), "S"((long)b), "d"((long)c), "r"(r10)
               : "rcx", "r11", "memory");
  return result;
}

[[noreturn]] void exit_with(int status) {
  while (true) call(SYS_exit_group, status);
}

[[noreturn]] void sleep_for_ever() {
  while (true) call(SYS_pause);
}

void set_state(hobbes_boot_params& params, hobbes_enclave_state state) {
  __atomic_store_n(&params.state, state, __ATOMIC_RELEASE);
  call(SYS_futex, &params.state, FUTEX_WAKE, 1L << 30);
}

/// What the enclave has: kept in writable data of the image, which tests that by the way.
hobbes_boot_region regions[max_regions];
unsigned region_count = 0;
constexpr unsigned lines = 3;  ///< what HELLO tells besides

struct Request {
  hobbes_machine_request body;
  int fd = -1;
};

bool receive(int connection, Request& request) {
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
  iovec bytes{&request.body, sizeof request.body};
  msghdr message{};
  message.msg_iov = &bytes;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  if (call(SYS_recvmsg, connection, &message, 0) != sizeof request.body) return false;
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (header != nullptr && header->cmsg_type == SCM_RIGHTS) memcpy(&request.fd, CMSG_DATA(header), sizeof request.fd);
  return true;
}

void send(int connection, const hobbes_machine_reply& reply, const int* fds, unsigned fd_count) {
  alignas(cmsghdr) char control[CMSG_SPACE((max_regions + lines) * sizeof(int))] = {};
  iovec bytes{const_cast<hobbes_machine_reply*>(&reply), sizeof reply};
  msghdr message{};
  message.msg_iov = &bytes;
  message.msg_iovlen = 1;
  if (fd_count != 0) {
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(fd_count * sizeof(int));
    memcpy(CMSG_DATA(header), fds, fd_count * sizeof(int));
  }
  call(SYS_sendmsg, connection, &message, 0);
}

void say_hello(int connection, const hobbes_boot_params& params) {
  hobbes_machine_reply reply{};
  int fds[max_regions + lines];
  reply.region_count = region_count;
  for (unsigned i = 0; i < region_count; ++i) {
    reply.regions[i] = {regions[i].base, regions[i].size};
    fds[i] = regions[i].fd;
  }
  fds[region_count] = params.channels[0].host_bell;
  fds[region_count + 1] = params.channels[1].host_bell;
  fds[region_count + 2] = params.lending_fd + 1;
  send(connection, reply, fds, region_count + lines);
}

int plug(const Request& request) {
  constexpr int einval = 22, enospc = 28;
  if (request.fd < 0) return -einval;
  if (region_count == max_regions) return -enospc;
  regions[region_count++] = {request.body.base, request.body.size, -1, request.fd};
  return request.fd;
}

int unplug(uint64_t base) {
  constexpr int enoent = 2;
  for (unsigned i = 0; i < region_count; ++i) {
    if (regions[i].base != base) continue;
    call(SYS_close, regions[i].fd);
    regions[i] = regions[--region_count];
    return 0;
  }
  return -enoent;
}

void answer(int connection, const hobbes_boot_params& params) {
  Request request;
  if (!receive(connection, request)) return;
  hobbes_machine_reply reply{};
  switch (request.body.call) {
    case HOBBES_MACHINE_HELLO:
      return say_hello(connection, params);
    case HOBBES_MACHINE_PLUG:
      reply.result = plug(request);
      break;
    case HOBBES_MACHINE_UNPLUG:
      reply.result = unplug(request.body.base);
      break;
    case HOBBES_MACHINE_PIDS:
      reply.result = 1;
      break;
    default:
      reply.result = -38;  // ENOSYS
  }
  send(connection, reply, nullptr, 0);
}

[[noreturn]] void run(hobbes_boot_params& params) {
  for (; region_count < params.region_count; ++region_count) regions[region_count] = params.regions[region_count];
  set_state(params, HOBBES_ENCLAVE_RUNNING);
  while (true) {
    const long connection = call(SYS_accept, params.machine_fd, 0, 0);
    if (connection < 0) exit_with(5);
    answer(static_cast<int>(connection), params);
    call(SYS_close, connection);
  }
}

bool is(const char* text, const char* word) {
  while (*word != '\0' && *text == *word) ++text, ++word;
  return *word == *text;
}

void write_line(const char* text) {
  size_t size = 0;
  while (text[size] != '\0') ++size;
  call(SYS_write, 2, text, size);
}

[[noreturn]] void panic(hobbes_boot_params& params) {
  constexpr char why[] = "test kernel: told to panic\n";
  memcpy(params.crash.text, why, sizeof why);
  set_state(params, HOBBES_ENCLAVE_CRASHED);
  sleep_for_ever();
}

[[noreturn]] void scribble(hobbes_boot_params& params) {
  char* start = reinterpret_cast<char*>(&params);
  memset(start + HOBBES_BOOT_KERNEL_OFFSET + HOBBES_BOOT_KERNEL_LIMIT, 0xa5,
         params.regions[0].size - HOBBES_BOOT_KERNEL_OFFSET - HOBBES_BOOT_KERNEL_LIMIT);
  exit_with(4);
}

}  // namespace

extern "C" [[noreturn]] void test_kernel(hobbes_boot_params* params) {
  const char* command = params->cmd_line;
  if (is(command, "exit")) {
    write_line("test kernel: told to exit\n");
    exit_with(3);
  }
  if (is(command, "fault")) (void)*reinterpret_cast<volatile int*>(0);
  if (is(command, "panic")) panic(*params);
  if (is(command, "scribble")) scribble(*params);
  if (is(command, "hang")) sleep_for_ever();
  if (is(command, "deaf")) {
    set_state(*params, HOBBES_ENCLAVE_RUNNING);
    sleep_for_ever();
  }
  if (is(command, "fork") && call(SYS_fork) == 0) sleep_for_ever();
  run(*params);
}

asm(".globl _start\n_start:\n\txor %ebp, %ebp\n\tand $-16, %rsp\n\tcall test_kernel\n\tud2\n");
