// SPDX-License-Identifier: Apache-2.0
// Attaching memory that a process of an enclave exported, beside other ways to somebody else's memory; and reading it.
#include <fcntl.h>
#include <hobbes/xemem.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "base/memfd.hpp"
#include "tests/bench/xemem/contest.hpp"

namespace hobbes::bench {
namespace {

constexpr std::size_t large_page = 2ul << 20;

/// A memfd of large pages, as the enclave's blocks are.
int large_memfd(std::size_t size) {
  const int fd = ::memfd_create("bench", MFD_CLOEXEC);
  require(fd >= 0 && ::ftruncate(fd, static_cast<off_t>(size)) == 0, "memfd");
  void* reserved = ::mmap(nullptr, size + large_page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  require(reserved != MAP_FAILED, "mmap");
  char* at = static_cast<char*>(reserved) + (large_page - reinterpret_cast<std::uintptr_t>(reserved) % large_page);
  require(::mmap(at, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) != MAP_FAILED, "mmap");
  for (std::size_t offset = 0; offset + large_page <= size; offset += large_page) {
    at[offset] = 1;
    ::madvise(at + offset, large_page, madv_collapse);
  }
  std::memset(at, 1, size);
  ::munmap(reserved, size + large_page);
  return fd;
}

void* map_populated(int fd, std::size_t size, char* where) {
  void* memory = ::mmap(where, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED | MAP_POPULATE, fd, 0);
  require(memory != MAP_FAILED, "mmap");
  return memory;
}

/// A process that answers each byte with the memfd, and has the memory, too.
struct Giver {
  explicit Giver(int memfd, std::size_t size) {
    int ends[2];
    require(::socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) == 0, "socketpair");
    socket = ends[0];
    memory = static_cast<char*>(::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, memfd, 0));
    pid = ::fork();
    require(pid >= 0, "fork");
    if (pid == 0) {
      ::close(ends[0]);
      serve(ends[1], memfd);
    }
    ::close(ends[1]);
    ::munmap(memory, size);
  }
  ~Giver() {
    ::close(socket);
    ::waitpid(pid, nullptr, 0);
  }

  [[noreturn]] static void serve(int end, int memfd) {
    char byte = 0;
    while (::read(end, &byte, 1) == 1) {
      alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
      iovec bytes{&byte, 1};
      msghdr message{};
      message.msg_iov = &bytes;
      message.msg_iovlen = 1;
      message.msg_control = control;
      message.msg_controllen = sizeof control;
      cmsghdr* header = CMSG_FIRSTHDR(&message);
      header->cmsg_level = SOL_SOCKET;
      header->cmsg_type = SCM_RIGHTS;
      header->cmsg_len = CMSG_LEN(sizeof(int));
      std::memcpy(CMSG_DATA(header), &memfd, sizeof memfd);
      ::sendmsg(end, &message, 0);
    }
    ::_exit(0);
  }
  [[nodiscard]] int ask() const {
    char byte = 0;
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    iovec bytes{&byte, 1};
    msghdr message{};
    message.msg_iov = &bytes;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    require(::write(socket, &byte, 1) == 1 && ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC) == 1, "memfd passing");
    int fd = -1;
    std::memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
    return fd;
  }

  int socket = -1;
  char* memory = nullptr;  ///< as the giver has it
  pid_t pid = -1;
};

void attach_by_size(Results& results, xemem_apid_t apid, std::size_t size, int rounds) {
  const int memfd = large_memfd(std::max(size, large_page));
  const Giver giver(memfd, size);
  const std::string shm = "/hobbes-bench-" + std::to_string(::getpid());
  const int named = ::shm_open(shm.c_str(), O_RDWR | O_CREAT, 0600);
  require(named >= 0 && ::ftruncate(named, static_cast<off_t>(size)) == 0, "shm_open");
  void* filled = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, named, 0);
  ::munmap(filled, size);
  ::close(named);
  char* const place = static_cast<char*>(
      ::aligned_alloc(large_page, (size + large_page - 1) / large_page * large_page));  // addresses to map over
  char* const copy = static_cast<char*>(::mmap(nullptr, size, PROT_READ | PROT_WRITE,
                                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0));
  const auto unmap = [&] { ::mmap(place, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0); };
  const auto map_opened = [&](const auto& open) {
    const double took = time_of([&] {
      const int fd = open();
      map_populated(fd, size, place);
      ::close(fd);
    });
    unmap();
    return took;
  };
  contest(results,
          {{"bare mmap, populated, of the same large pages",
            [&] {
              const double took = time_of([&] { map_populated(memfd, size, place); });
              unmap();
              return took;
            }},
           {"xemem_attach",
            [&] {
              void* memory = nullptr;
              const double took = time_of([&] { memory = xemem_attach({apid, 0}, size, nullptr); });
              require(memory != XEMEM_FAILED && xemem_detach(memory) == 0, "xemem_attach");
              return took;
            }},
           {"shm_open, mmap", [&] { return map_opened([&] { return ::shm_open(shm.c_str(), O_RDWR, 0); }); }},
           {"memfd passing, mmap", [&] { return map_opened([&] { return giver.ask(); }); }},
           {"process_vm_readv",
            [&] {
              return time_of([&] {
                iovec to{copy, size}, from{giver.memory, size};
                require(::process_vm_readv(giver.pid, &to, 1, &from, 1, 0) == static_cast<ssize_t>(size),
                        "process_vm_readv");
              });
            }}},
          rounds, static_cast<double>(size));
  ::munmap(copy, size);
  std::free(place);
  ::shm_unlink(shm.c_str());
  ::close(memfd);
}

/// All of the memory, read: what a consumer does.
double read_all(const char* memory, std::size_t size) {
  return time_of([&] {
    std::uint64_t sum = 0;
    const auto* words = reinterpret_cast<const std::uint64_t*>(memory);
    for (std::size_t i = 0; i < size / 8; i += 4) sum += words[i] + words[i + 1] + words[i + 2] + words[i + 3];
    asm volatile("" : : "r"(sum));
  });
}

void data_plane(Results& results, xemem_apid_t apid, std::size_t size) {
  const int memfd = large_memfd(size);
  const Giver giver(memfd, size);
  char* local = static_cast<char*>(::aligned_alloc(large_page, size));
  ::madvise(local, size, MADV_HUGEPAGE);
  std::memset(local, 1, size);
  char* copy = static_cast<char*>(::aligned_alloc(large_page, size));
  ::madvise(copy, size, MADV_HUGEPAGE);
  std::memset(copy, 1, size);
  void* attached = xemem_attach({apid, 0}, size, nullptr);
  require(attached != XEMEM_FAILED, "xemem_attach");
  results.start_group("reading " + std::to_string(size >> 20) + " MiB", "ns");
  contest(results,
          {{"local memory", [&] { return read_all(local, size); }},
           {"an enclave's, attached", [&] { return read_all(static_cast<const char*>(attached), size); }},
           {"process_vm_readv, then read", [&] {
              return time_of([&] {
                iovec to{copy, size}, from{giver.memory, size};
                require(::process_vm_readv(giver.pid, &to, 1, &from, 1, 0) == static_cast<ssize_t>(size),
                        "process_vm_readv");
                read_all(copy, size);
              });
            }}},
          25);
  xemem_detach(attached);
  std::free(local);
  std::free(copy);
  ::close(memfd);
}

void names(Results& results) {
  constexpr std::size_t page = 4096, batch = 1000;
  char* memory = static_cast<char*>(xemem_alloc(page));
  std::size_t made = 0;
  for (const std::size_t count : {10ul, 100ul, 1000ul, 10'000ul, 100'000ul}) {
    for (; made < count; ++made)
      require(xemem_make(memory, page, ("bench-" + std::to_string(made)).c_str()) > 0, "xemem_make");
    std::size_t next = 0;
    contest(results,
            {{"name to handle", [&] {
                std::string name;
                double took = 0;
                for (std::size_t i = 0; i < batch; ++i) {
                  name = "bench-" + std::to_string(next = (next + 7919) % count);
                  xemem_apid_t apid = -1;
                  took += time_of([&] { apid = xemem_get(xemem_lookup_segid(name.c_str()), XEMEM_RDONLY); });
                  require(apid > 0 && xemem_release(apid) == 0, "xemem_get");
                }
                return took / batch;
              }}},
            15, static_cast<double>(count));
  }
}

}  // namespace

void bench_attach(Results& results) {
  const xemem_segid_t segid = xemem_wait_name("bench-field", 20'000);
  const xemem_apid_t apid = xemem_get(segid, XEMEM_RDWR);
  require(apid > 0, "the exporter's segment");
  int count = 0;
  xemem_segment* const list = xemem_get_segment_list(&count);
  std::size_t whole = 0;
  for (int i = 0; i < count; ++i)
    if (list[i].segid == segid) whole = list[i].size;
  std::free(list);
  void* first = nullptr;
  const double cold = time_of([&] { first = xemem_attach({apid, 0}, 4096, nullptr); });
  require(first != XEMEM_FAILED && xemem_detach(first) == 0, "xemem_attach");
  std::printf("the first attachment, which asks leviathan for the descriptors: %.1f us\n\n", cold / 1e3);
  results.start_group("attaching, by size", "ns");
  for (std::size_t size = 4096; size <= whole; size *= 4) {
    heading("attach " + std::to_string(size >> 10) + " KiB");
    attach_by_size(results, apid, size, size < (64ul << 20) ? 100 : 25);
  }
  heading("reading");
  data_plane(results, apid, std::min(whole, 64ul << 20));
  xemem_release(apid);
  heading("name to handle, with 10, 100, ... 100000 segments");
  results.start_group("name to handle, by segments", "ns");
  names(results);
}

}  // namespace hobbes::bench
