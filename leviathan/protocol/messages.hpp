// SPDX-License-Identifier: Apache-2.0
// The messages between clients and leviathan: what each request of codes.hpp carries, and its answer. A request without
// an answer of its own is answered with an empty message. Failures travel as the queue's status, errno and sentence.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/units.hpp"
#include "leviathan/protocol/codec.hpp"

namespace hobbes::protocol {

/// The most data one file_read, file_write or console_type carries.
inline constexpr Bytes max_chunk = kib(64);

/// The name of the Linux side wherever an enclave is named.
inline constexpr std::string_view master_name = "master";

// ---- Enclaves

/// Answer: EnclaveName.
struct CreateEnclave {
  static constexpr std::string_view name = "create_enclave";
  std::string xml;           ///< the descriptor's text
  std::string file;          ///< its name, for messages
  std::string enclave_name;  ///< empty: the descriptor's, else automatic

  template <typename V, typename Self>
  static void fields(V& visit, Self& self) {
    visit("xml", self.xml);
    visit("file", self.file);
    visit("enclave_name", self.enclave_name);
  }
  friend bool operator==(const CreateEnclave&, const CreateEnclave&) = default;
};

/// destroy_enclave, dump_queue (answer: Text), console_open; the answer of create_enclave.
struct EnclaveName {
  static constexpr std::string_view name = "enclave name";
  std::string enclave;

  template <typename V, typename Self>
  static void fields(V& visit, Self& self) {
    visit("enclave", self.enclave);
  }
  friend bool operator==(const EnclaveName&, const EnclaveName&) = default;
};

/// An answer for the operator to read.
struct Text {
  static constexpr std::string_view name = "text";
  std::string text;

  template <typename V, typename Self>
  static void fields(V& visit, Self& self) {
    visit("text", self.text);
  }
  friend bool operator==(const Text&, const Text&) = default;
};

/// Answer: the same `data`, as the enclave's kernel sent it back (PingAnswer).
struct PingEnclave {
  static constexpr std::string_view name = "ping_enclave";
  std::string enclave;
  ByteView data;

  template <typename V, typename Self>
  static void fields(V& visit, Self& self) {
    visit("enclave", self.enclave);
    visit("data", self.data);
  }
};

struct PingAnswer {
  static constexpr std::string_view name = "ping answer";
  ByteView data;

  template <typename V, typename Self>
  static void fields(V& visit, Self& self) {
    visit("data", self.data);
  }
};

// ---- Resources

/// assign_memory and remove_memory. Answer: Text.
struct ChangeMemory {
  static constexpr std::string_view name = "assign_memory";
  std::string enclave;
  Bytes size;
  NumaId numa = any_numa;
  bool contiguous = false;  ///< assign_memory only

  template <typename V, typename Self>
  static void fields(V& visit, Self& self) {
    visit("enclave", self.enclave);
    visit("size", self.size);
    visit("numa", self.numa);
    visit("contiguous", self.contiguous);
  }
  friend bool operator==(const ChangeMemory&, const ChangeMemory&) = default;
};

/// assign_cpus and remove_cpus. Answer: Text.
struct ChangeCpus {
  static constexpr std::string_view name = "assign_cpus";
  std::string enclave;
  std::vector<CpuId> cpus;  ///< these; empty: `count` of leviathan's choice
  std::uint64_t count = 0;
  NumaId numa = any_numa;   ///< where to choose from

  template <typename V, typename Self>
  static void fields(V& visit, Self& self) {
    visit("enclave", self.enclave);
    visit("cpus", self.cpus);
    visit("count", self.count);
    visit("numa", self.numa);
  }
  friend bool operator==(const ChangeCpus&, const ChangeCpus&) = default;
};

// ---- Applications

/// Answer: AppRef.
struct LaunchApp {
  static constexpr std::string_view name = "launch_app";
  std::string enclave;             ///< master_name: the Linux side
  std::string path;                ///< absolute, or relative to cwd; never searched in PATH
  std::vector<std::string> args;   ///< args[0] included
  std::vector<std::string> env;
  std::string app_name;            ///< empty: automatic
  std::string cwd;
  std::uint32_t umask = 022;
  std::uint32_t ranks = 1;
  bool oversubscribe = false;      ///< more ranks than CPUs are all right
  std::string cpu_list;            ///< enclave-logical; empty: any
  Bytes heap_size;
  Bytes stack_size;
  bool large_pages = false;
  bool smartmap = false;
  bool hpmmap = false;             ///< the Linux side's: memory from reserved blocks, heap_size of it for each rank
  bool rewrite = true;
  bool detach = false;
  std::uint64_t stdio_token = 0;   ///< under it (hello.hpp) came three descriptors, or a fourth: its PMI_FD; 0: none did

  template <typename V, typename Self>
  static void fields(V& visit, Self& self) {
    visit("enclave", self.enclave);
    visit("path", self.path);
    visit("args", self.args);
    visit("env", self.env);
    visit("app_name", self.app_name);
    visit("cwd", self.cwd);
    visit("umask", self.umask);
    visit("ranks", self.ranks);
    visit("oversubscribe", self.oversubscribe);
    visit("cpu_list", self.cpu_list);
    visit("heap_size", self.heap_size);
    visit("stack_size", self.stack_size);
    visit("large_pages", self.large_pages);
    visit("smartmap", self.smartmap);
    visit("hpmmap", self.hpmmap);
    visit("rewrite", self.rewrite);
    visit("detach", self.detach);
    visit("stdio_token", self.stdio_token);
  }
  friend bool operator==(const LaunchApp&, const LaunchApp&) = default;
};

/// wait_app (answer: AppEnd, when the application has ended); the answer of launch_app.
struct AppRef {
  static constexpr std::string_view name = "application id";
  AppId app;

  template <typename V, typename Self>
  static void fields(V& visit, Self& self) {
    visit("app", self.app);
  }
  friend bool operator==(const AppRef&, const AppRef&) = default;
};

struct AppEnd {
  static constexpr std::string_view name = "application end";
  std::int32_t exit_code = 0;
  std::int32_t signal = 0;  ///< that ended it, or 0
  std::string reason{};     ///< why it ended before its time, for a person; may be empty

  template <typename V, typename Self>
  static void fields(V& visit, Self& self) {
    visit("exit_code", self.exit_code);
    visit("signal", self.signal);
    visit("reason", self.reason);
  }
  friend bool operator==(const AppEnd&, const AppEnd&) = default;
};

struct KillApp {
  static constexpr std::string_view name = "kill_app";
  AppId app;
  std::int32_t signal = 0;

  template <typename V, typename Self>
  static void fields(V& visit, Self& self) {
    visit("app", self.app);
    visit("signal", self.signal);
  }
  friend bool operator==(const KillApp&, const KillApp&) = default;
};

/// What the system calls of an application, or of a whole enclave, were. Answer: SystemCalls.
struct CountCalls {
  static constexpr std::string_view name = "count_calls";
  std::string enclave;  ///< all of it since its boot; ignored if there is an application
  std::optional<AppId> app;

  template <typename V, typename Self>
  static void fields(V& visit, Self& self) {
    visit("enclave", self.enclave);
    visit("app", self.app);
  }
  friend bool operator==(const CountCalls&, const CountCalls&) = default;
};

/// One system call of SystemCalls.
struct SystemCall {
  std::uint32_t number = 0;
  bool implemented = true;
  std::uint64_t calls = 0, errors = 0;
  std::uint64_t host = 0;  ///< of these, such as asked the host
  std::uint64_t samples = 0;
  std::chrono::nanoseconds time{0};  ///< of the samples

  template <typename V, typename Self>
  static void fields(V& visit, Self& self) {
    visit("number", self.number);
    visit("implemented", self.implemented);
    visit("calls", self.calls);
    visit("errors", self.errors);
    visit("host", self.host);
    visit("samples", self.samples);
    visit("time", self.time);
  }
  friend bool operator==(const SystemCall&, const SystemCall&) = default;
};

/// What Linux has made of the processes that are alive.
struct LinuxUsage {
  std::uint64_t processes = 0;
  std::uint64_t minor_faults = 0, major_faults = 0;
  std::uint64_t voluntary_switches = 0, involuntary_switches = 0;

  template <typename V, typename Self>
  static void fields(V& visit, Self& self) {
    visit("processes", self.processes);
    visit("minor_faults", self.minor_faults);
    visit("major_faults", self.major_faults);
    visit("voluntary_switches", self.voluntary_switches);
    visit("involuntary_switches", self.involuntary_switches);
  }
  friend bool operator==(const LinuxUsage&, const LinuxUsage&) = default;
};

struct SystemCalls {
  static constexpr std::string_view name = "system calls";
  std::vector<SystemCall> calls;
  std::uint64_t trapped = 0, sites_rewritten = 0, sites_trapped = 0;
  std::uint64_t host_calls = 0, linux_calls = 0;
  LinuxUsage usage;

  template <typename V, typename Self>
  static void fields(V& visit, Self& self) {
    visit("calls", self.calls);
    visit("trapped", self.trapped);
    visit("sites_rewritten", self.sites_rewritten);
    visit("sites_trapped", self.sites_trapped);
    visit("host_calls", self.host_calls);
    visit("linux_calls", self.linux_calls);
    visit("usage", self.usage);
  }
  friend bool operator==(const SystemCalls&, const SystemCalls&) = default;
};

// ---- PMI: what the server of a job's ranks tells

struct PmiPair {
  std::string key, value;

  template <typename V, typename Self>
  static void fields(V& visit, Self& self) {
    visit("key", self.key);
    visit("value", self.value);
  }
  friend bool operator==(const PmiPair&, const PmiPair&) = default;
};

/// All ranks have come to a barrier, which opens when these values are in the database.
struct PmiWrite {
  static constexpr std::string_view name = "pmi_write";
  AppId app;
  std::uint32_t ranks = 0;
  std::uint64_t generation = 0;  ///< how many barriers have opened with this one
  std::string space;
  std::vector<PmiPair> values;

  template <typename V, typename Self>
  static void fields(V& visit, Self& self) {
    visit("app", self.app);
    visit("ranks", self.ranks);
    visit("generation", self.generation);
    visit("space", self.space);
    visit("values", self.values);
  }
  friend bool operator==(const PmiWrite&, const PmiWrite&) = default;
};

/// The job cannot go on: its application is to be ended.
struct PmiEndJob {
  static constexpr std::string_view name = "pmi_end_job";
  AppId app;
  std::string why;

  template <typename V, typename Self>
  static void fields(V& visit, Self& self) {
    visit("app", self.app);
    visit("why", self.why);
  }
  friend bool operator==(const PmiEndJob&, const PmiEndJob&) = default;
};

// ---- Files

/// file_open and file_stat (which ignores flags and modes). Answers: FileOpened, FileStatus.
struct FileOpen {
  static constexpr std::string_view name = "file_open";
  std::string enclave;
  std::string path;          ///< absolute, as the enclave sees it
  std::uint32_t flags = 0;   ///< Linux's O_*
  std::uint32_t mode = 0;    ///< of a file it creates
  bool set_mode = false;     ///< a file that was there gets the mode, too

  template <typename V, typename Self>
  static void fields(V& visit, Self& self) {
    visit("enclave", self.enclave);
    visit("path", self.path);
    visit("flags", self.flags);
    visit("mode", self.mode);
    visit("set_mode", self.set_mode);
  }
  friend bool operator==(const FileOpen&, const FileOpen&) = default;
};

struct FileOpened {
  static constexpr std::string_view name = "opened file";
  std::uint64_t handle = 0;  ///< of this connection: closed with it
  std::string host_path;     ///< not empty: nothing is open; this file of Linux is meant, open it yourself
  std::string host_root;     ///< the directory that host_path starts at and must not lead out of

  template <typename V, typename Self>
  static void fields(V& visit, Self& self) {
    visit("handle", self.handle);
    visit("host_path", self.host_path);
    visit("host_root", self.host_root);
  }
  friend bool operator==(const FileOpened&, const FileOpened&) = default;
};

/// Answer: FileData. No data: the end of the file.
struct FileRead {
  static constexpr std::string_view name = "file_read";
  std::uint64_t handle = 0;
  std::uint64_t offset = 0;
  std::uint32_t length = 0;  ///< at most max_chunk

  template <typename V, typename Self>
  static void fields(V& visit, Self& self) {
    visit("handle", self.handle);
    visit("offset", self.offset);
    visit("length", self.length);
  }
  friend bool operator==(const FileRead&, const FileRead&) = default;
};

struct FileData {
  static constexpr std::string_view name = "file data";
  ByteView data;

  template <typename V, typename Self>
  static void fields(V& visit, Self& self) {
    visit("data", self.data);
  }
};

/// All of it is written, or the answer is an error.
struct FileWrite {
  static constexpr std::string_view name = "file_write";
  std::uint64_t handle = 0;
  std::uint64_t offset = 0;  ///< HOBBES_FILE_AT_POSITION: where the handle stands (at the end, with O_APPEND)
  ByteView data;             ///< at most max_chunk

  template <typename V, typename Self>
  static void fields(V& visit, Self& self) {
    visit("handle", self.handle);
    visit("offset", self.offset);
    visit("data", self.data);
  }
};

struct FileRef {
  static constexpr std::string_view name = "file handle";
  std::uint64_t handle = 0;

  template <typename V, typename Self>
  static void fields(V& visit, Self& self) {
    visit("handle", self.handle);
  }
  friend bool operator==(const FileRef&, const FileRef&) = default;
};

struct FileStatus {
  static constexpr std::string_view name = "file status";
  std::uint64_t size = 0;
  std::uint64_t mtime_ns = 0;
  std::uint32_t mode = 0;
  std::string host_path;  ///< not empty: only this and host_root are valid; ask Linux
  std::string host_root;  ///< as in FileOpened

  template <typename V, typename Self>
  static void fields(V& visit, Self& self) {
    visit("size", self.size);
    visit("mtime_ns", self.mtime_ns);
    visit("mode", self.mode);
    visit("host_path", self.host_path);
    visit("host_root", self.host_root);
  }
  friend bool operator==(const FileStatus&, const FileStatus&) = default;
};

// ---- Consoles

/// The answer of console_open, and console_close.
struct ConsoleRef {
  static constexpr std::string_view name = "console";
  std::uint64_t console = 0;  ///< of this connection: closed with it

  template <typename V, typename Self>
  static void fields(V& visit, Self& self) {
    visit("console", self.console);
  }
  friend bool operator==(const ConsoleRef&, const ConsoleRef&) = default;
};

/// console_type (the answer comes when all of it is in the console's input), and the event console_output.
struct ConsoleData {
  static constexpr std::string_view name = "console data";
  std::uint64_t console = 0;
  ByteView data;

  template <typename V, typename Self>
  static void fields(V& visit, Self& self) {
    visit("console", self.console);
    visit("data", self.data);
  }
};

/// The event console_ended: nothing more will come.
struct ConsoleEnded {
  static constexpr std::string_view name = "console end";
  std::uint64_t console = 0;
  std::string reason;  ///< empty: the enclave ended in order

  template <typename V, typename Self>
  static void fields(V& visit, Self& self) {
    visit("console", self.console);
    visit("reason", self.reason);
  }
  friend bool operator==(const ConsoleEnded&, const ConsoleEnded&) = default;
};

}  // namespace hobbes::protocol
