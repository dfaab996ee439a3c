// SPDX-License-Identifier: Apache-2.0
// The requests about enclaves and resources: encode, send, decode.
#include <cstring>

#include "leviathan/client/link.hpp"
#include "leviathan/protocol/codes.hpp"
#include "leviathan/protocol/device_messages.hpp"
#include "leviathan/protocol/messages.hpp"

namespace hobbes::client {

namespace request = protocol::request;

namespace {

protocol::EnclaveName named(std::string_view enclave) { return {.enclave = std::string(enclave)}; }

}  // namespace

Result<std::string> Client::create_enclave(std::string_view xml, std::string_view file, std::string_view name) {
  const protocol::CreateEnclave message{
      .xml = std::string(xml), .file = std::string(file), .enclave_name = std::string(name)};
  const auto answer = TRY(impl_->call(request::create_enclave, message, long_patience));
  return TRY(protocol::decode<protocol::EnclaveName>(answer)).enclave;
}

Status Client::destroy_enclave(std::string_view enclave) {
  TRY(impl_->call(request::destroy_enclave, named(enclave), long_patience));
  return {};
}

Result<std::chrono::nanoseconds> Client::ping(std::string_view enclave, Bytes size) {
  const std::vector<std::byte> data(size.value, std::byte{'h'});
  const protocol::PingEnclave message{.enclave = std::string(enclave), .data = data};
  Connection* connection = TRY(impl_->connect());
  const auto start = std::chrono::steady_clock::now();
  const auto answer = TRY(connection->call(request::ping_enclave, message, short_patience));
  const auto time = std::chrono::steady_clock::now() - start;
  // Not ==, which compares one std::byte after the other.
  const bool same = answer.size() == data.size() && std::memcmp(answer.data(), data.data(), data.size()) == 0;
  if (!same) return Error(Code::corrupt, "enclave '" + message.enclave + "': sent something else back");
  return time;
}

Result<std::string> Client::dump_queue(std::string_view enclave) {
  return impl_->text(request::dump_queue, named(enclave), short_patience);
}

Result<std::string> Client::assign_memory(std::string_view enclave, Bytes size, NumaId numa, bool contiguous) {
  const protocol::ChangeMemory message{
      .enclave = std::string(enclave), .size = size, .numa = numa, .contiguous = contiguous};
  return impl_->text(request::assign_memory, message, long_patience);
}

Result<std::string> Client::remove_memory(std::string_view enclave, Bytes size, NumaId numa) {
  const protocol::ChangeMemory message{.enclave = std::string(enclave), .size = size, .numa = numa};
  return impl_->text(request::remove_memory, message, long_patience);
}

Result<std::string> Client::assign_cpus(std::string_view enclave, std::uint64_t count, NumaId numa) {
  const protocol::ChangeCpus message{.enclave = std::string(enclave), .cpus = {}, .count = count, .numa = numa};
  return impl_->text(request::assign_cpus, message, long_patience);
}

Result<std::string> Client::assign_cpus(std::string_view enclave, const std::vector<CpuId>& cpus) {
  const protocol::ChangeCpus message{.enclave = std::string(enclave), .cpus = cpus};
  return impl_->text(request::assign_cpus, message, long_patience);
}

Result<std::string> Client::remove_cpus(std::string_view enclave, std::uint64_t count) {
  const protocol::ChangeCpus message{.enclave = std::string(enclave), .cpus = {}, .count = count};
  return impl_->text(request::remove_cpus, message, long_patience);
}

Result<std::string> Client::remove_cpus(std::string_view enclave, const std::vector<CpuId>& cpus) {
  const protocol::ChangeCpus message{.enclave = std::string(enclave), .cpus = cpus};
  return impl_->text(request::remove_cpus, message, long_patience);
}

Result<std::string> Client::assign_pci(std::string_view enclave, std::string_view name, std::string_view address) {
  const protocol::AssignDevice message{
      .enclave = std::string(enclave), .device = std::string(name), .address = std::string(address)};
  return impl_->text(request::assign_device, message, long_patience);
}

Result<std::string> Client::remove_pci(std::string_view enclave, std::string_view name) {
  const protocol::RemoveDevice message{.enclave = std::string(enclave), .device = std::string(name)};
  return impl_->text(request::remove_device, message, long_patience);
}

}  // namespace hobbes::client
