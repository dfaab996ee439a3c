// SPDX-License-Identifier: Apache-2.0
// Enumerations of the database: their numbers (stored: never reuse one) and the words listings print for them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace hobbes::db {

enum class EnclaveType : std::uint8_t { invalid = 0, master = 1, pisces = 2, vm = 3 };
enum class EnclaveState : std::uint8_t { initialized = 0, running = 1, stopped = 2, crashed = 3, error = 4 };
enum class AppState : std::uint8_t { initialized = 0, running = 1, stopped = 2, crashed = 3, error = 4 };

/// Of a CPU, memory block or device. `invalid`: known, but not the runtime's to give (offline, kept by firmware).
enum class ResourceState : std::uint8_t { invalid = 0, reserved = 1, free = 2, allocated = 3 };

/// What an operation in the journal does to the node.
enum class OperationKind : std::uint8_t {
  invalid = 0,
  create_enclave = 1,
  destroy_enclave = 2,
  assign_memory = 3,
  remove_memory = 4,
  assign_cpus = 5,
  remove_cpus = 6,
  assign_device = 7,
  remove_device = 8,
  launch_app = 9,
  kill_app = 10,
};

/// What an event is about.
enum class ObjectKind : std::uint8_t {
  node = 0,
  enclave = 1,
  app = 2,
  cpu = 3,
  memory = 4,
  device = 5,
  segment = 6,
  attachment = 7,
  queue = 8,
};

enum class EventKind : std::uint8_t {
  created = 0,     ///< the object is there
  destroyed = 1,   ///< the object is gone
  state = 2,       ///< its state changed; the text is the new state's word
  assigned = 3,    ///< resources moved to an enclave
  removed = 4,     ///< resources came back from an enclave
  failed = 5,      ///< an operation was rolled back; the text says why
  recovered = 6,   ///< a restarted leviathan adopted the object or finished an operation
};

/// The words of an enumeration, in the order of its numbers.
template <typename E>
struct EnumWords;

template <>
struct EnumWords<EnclaveType> {
  static constexpr std::array<std::string_view, 4> words{"INVALID_ENCLAVE", "MASTER_ENCLAVE", "PISCES_ENCLAVE",
                                                         "VM_ENCLAVE"};
};
template <>
struct EnumWords<EnclaveState> {
  static constexpr std::array<std::string_view, 5> words{"Initialized", "Running", "Stopped", "Crashed", "Error"};
};
template <>
struct EnumWords<AppState> {
  static constexpr std::array<std::string_view, 5> words{"Initialized", "Running", "Stopped", "Crashed", "Error"};
};
template <>
struct EnumWords<ResourceState> {
  static constexpr std::array<std::string_view, 4> words{"INVALID", "RSVD", "FREE", "ALLOCATED"};
};
template <>
struct EnumWords<OperationKind> {
  static constexpr std::array<std::string_view, 11> words{
      "invalid",    "create_enclave", "destroy_enclave", "assign_memory", "remove_memory", "assign_cpus",
      "remove_cpus", "assign_device", "remove_device",   "launch_app",    "kill_app"};
};
template <>
struct EnumWords<ObjectKind> {
  static constexpr std::array<std::string_view, 9> words{"node",   "enclave", "app",        "cpu",  "memory",
                                                         "device", "segment", "attachment", "queue"};
};
template <>
struct EnumWords<EventKind> {
  static constexpr std::array<std::string_view, 7> words{"created", "destroyed", "state",    "assigned",
                                                         "removed", "failed",    "recovered"};
};

/// An enumeration of this header.
template <typename E>
concept Enumeration = requires { EnumWords<E>::words; };

template <Enumeration E>
[[nodiscard]] constexpr bool is_valid(E value) {
  return static_cast<std::size_t>(value) < EnumWords<E>::words.size();
}

/// The listing's word; "?" for a number that has none.
template <Enumeration E>
[[nodiscard]] constexpr std::string_view to_string(E value) {
  return is_valid(value) ? EnumWords<E>::words[static_cast<std::size_t>(value)] : std::string_view("?");
}

}  // namespace hobbes::db
