// SPDX-License-Identifier: Apache-2.0
// The numbers of requests and events between clients and leviathan. Sent on the wire: never reuse one.
#pragma once

#include <cstdint>

#include "kernel-bridge/abi/queue.h"

namespace hobbes::protocol {

/// Requests, client to leviathan. The message of each is in messages.hpp (segment_messages.hpp) under the same name.
namespace request {
inline constexpr std::uint32_t create_enclave = HOBBES_CMD_FIRST_CLIENT_CODE + 0;
inline constexpr std::uint32_t destroy_enclave = HOBBES_CMD_FIRST_CLIENT_CODE + 1;
inline constexpr std::uint32_t ping_enclave = HOBBES_CMD_FIRST_CLIENT_CODE + 2;
inline constexpr std::uint32_t dump_queue = HOBBES_CMD_FIRST_CLIENT_CODE + 3;

inline constexpr std::uint32_t assign_memory = HOBBES_CMD_FIRST_CLIENT_CODE + 100;
inline constexpr std::uint32_t remove_memory = HOBBES_CMD_FIRST_CLIENT_CODE + 101;
inline constexpr std::uint32_t assign_cpus = HOBBES_CMD_FIRST_CLIENT_CODE + 102;
inline constexpr std::uint32_t remove_cpus = HOBBES_CMD_FIRST_CLIENT_CODE + 103;
inline constexpr std::uint32_t assign_device = HOBBES_CMD_FIRST_CLIENT_CODE + 104;
inline constexpr std::uint32_t remove_device = HOBBES_CMD_FIRST_CLIENT_CODE + 105;

inline constexpr std::uint32_t launch_app = HOBBES_CMD_FIRST_CLIENT_CODE + 200;
inline constexpr std::uint32_t wait_app = HOBBES_CMD_FIRST_CLIENT_CODE + 201;
inline constexpr std::uint32_t kill_app = HOBBES_CMD_FIRST_CLIENT_CODE + 202;
inline constexpr std::uint32_t count_calls = HOBBES_CMD_FIRST_CLIENT_CODE + 203;

inline constexpr std::uint32_t file_open = HOBBES_CMD_FIRST_CLIENT_CODE + 300;
inline constexpr std::uint32_t file_read = HOBBES_CMD_FIRST_CLIENT_CODE + 301;
inline constexpr std::uint32_t file_write = HOBBES_CMD_FIRST_CLIENT_CODE + 302;
inline constexpr std::uint32_t file_close = HOBBES_CMD_FIRST_CLIENT_CODE + 303;
inline constexpr std::uint32_t file_stat = HOBBES_CMD_FIRST_CLIENT_CODE + 304;

inline constexpr std::uint32_t console_open = HOBBES_CMD_FIRST_CLIENT_CODE + 400;
inline constexpr std::uint32_t console_type = HOBBES_CMD_FIRST_CLIENT_CODE + 401;
inline constexpr std::uint32_t console_close = HOBBES_CMD_FIRST_CLIENT_CODE + 402;

inline constexpr std::uint32_t segment_make = HOBBES_CMD_FIRST_CLIENT_CODE + 500;
inline constexpr std::uint32_t segment_remove = HOBBES_CMD_FIRST_CLIENT_CODE + 501;
inline constexpr std::uint32_t segment_open = HOBBES_CMD_FIRST_CLIENT_CODE + 502;
inline constexpr std::uint32_t segment_close = HOBBES_CMD_FIRST_CLIENT_CODE + 503;
inline constexpr std::uint32_t segment_attach = HOBBES_CMD_FIRST_CLIENT_CODE + 504;
inline constexpr std::uint32_t segment_detach = HOBBES_CMD_FIRST_CLIENT_CODE + 505;
inline constexpr std::uint32_t segment_signal = HOBBES_CMD_FIRST_CLIENT_CODE + 506;
inline constexpr std::uint32_t segment_reserve = HOBBES_CMD_FIRST_CLIENT_CODE + 507;

/// Of a job's PMI server (leviathan/pmi), not of people.
inline constexpr std::uint32_t pmi_write = HOBBES_CMD_FIRST_CLIENT_CODE + 600;
inline constexpr std::uint32_t pmi_end_job = HOBBES_CMD_FIRST_CLIENT_CODE + 601;
}  // namespace request

/// Events, leviathan to a client that asked for them.
namespace event {
inline constexpr std::uint32_t console_output = HOBBES_CMD_FIRST_CLIENT_CODE + 900;
inline constexpr std::uint32_t console_ended = HOBBES_CMD_FIRST_CLIENT_CODE + 901;
/// To the exporter: the segment has been removed, and nobody has its pages open or attached any more.
inline constexpr std::uint32_t segment_free = HOBBES_CMD_FIRST_CLIENT_CODE + 902;
}  // namespace event

}  // namespace hobbes::protocol
