// SPDX-License-Identifier: Apache-2.0
// Fault points: the named places between the halves of a transaction where tests kill the daemon, to show that the next
// one loses nothing.
#pragma once

#include <array>
#include <string_view>

namespace hobbes::leviathan::fault {

inline constexpr std::string_view create_reserved = "create.reserved";    ///< journaled; nothing booted yet
inline constexpr std::string_view create_booted = "create.booted";        ///< the enclave runs; not committed
inline constexpr std::string_view destroy_journaled = "destroy.journaled";  ///< journaled; the enclave lives
inline constexpr std::string_view destroy_ended = "destroy.ended";        ///< the enclave is gone; resources reserved
inline constexpr std::string_view assign_memory_reserved = "assign_memory.reserved";
inline constexpr std::string_view assign_memory_plugged = "assign_memory.plugged";  ///< its kernel has the block
inline constexpr std::string_view remove_memory_reserved = "remove_memory.reserved";
inline constexpr std::string_view remove_memory_unplugged = "remove_memory.unplugged";
inline constexpr std::string_view assign_cpu_reserved = "assign_cpu.reserved";
inline constexpr std::string_view assign_cpu_plugged = "assign_cpu.plugged";
inline constexpr std::string_view remove_cpu_reserved = "remove_cpu.reserved";
inline constexpr std::string_view remove_cpu_unplugged = "remove_cpu.unplugged";
inline constexpr std::string_view assign_device_reserved = "assign_device.reserved";
inline constexpr std::string_view assign_device_plugged = "assign_device.plugged";
inline constexpr std::string_view remove_device_reserved = "remove_device.reserved";
inline constexpr std::string_view remove_device_unplugged = "remove_device.unplugged";
inline constexpr std::string_view launch_reserved = "launch.reserved";    ///< the application is in the database only
inline constexpr std::string_view launch_started = "launch.started";      ///< it runs; not committed

/// All of them, for tests that try each.
inline constexpr std::array all = {
    create_reserved,        create_booted,           destroy_journaled,  destroy_ended,      assign_memory_reserved,
    assign_memory_plugged,  remove_memory_reserved,  remove_memory_unplugged, assign_cpu_reserved, assign_cpu_plugged,
    remove_cpu_reserved,    remove_cpu_unplugged,    assign_device_reserved, assign_device_plugged,
    remove_device_reserved, remove_device_unplugged, launch_reserved,    launch_started};

/// The environment variable that names the point to die at; for tests alone.
inline constexpr const char* environment_variable = "HOBBES_KILL_AT";

/// Kills this process (SIGKILL) if the environment asks for it here. Any thread.
void point(std::string_view name);

/// For tests within one process: `reached` is called at each point instead; an empty function takes it back.
using Observer = void (*)(std::string_view name);
void observe(Observer reached);

}  // namespace hobbes::leviathan::fault
