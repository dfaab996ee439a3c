// SPDX-License-Identifier: Apache-2.0
#include "kernel-bridge/pisces/driver.hpp"

#include <fcntl.h>
#include <sys/ioctl.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <string>

namespace hobbes::bridge {
namespace {

constexpr const char* device_file = "/dev/pisces";

/// What an errno of the driver means to whoever asked.
Error refusal(const std::string& what) {
  const int number = errno;
  switch (number) {
    case ENODEV:
      return Error(Code::unavailable, what + ": the enclave was destroyed", number);
    case EBUSY:
      return Error(Code::busy, what + ": it is Linux's or another enclave's, or in use", number);
    case ETIMEDOUT:
      return Error(Code::timeout, what + ": a CPU did not start", number);
    default:
      return errno_error(number, what);
  }
}

template <typename Argument>
Status call(int fd, unsigned long request, Argument argument, const std::string& what) {
  if (::ioctl(fd, request, argument) < 0) return refusal(what);
  return {};
}

template <typename Argument>
Result<UniqueFd> open_by(int fd, unsigned long request, Argument argument, const std::string& what) {
  UniqueFd opened(::ioctl(fd, request, argument));
  if (!opened) return refusal(what);
  return opened;
}

std::string name_of(CpuId cpu) { return "CPU " + std::to_string(cpu.value); }
std::string name_of_block(std::uint64_t base) { return "memory block at " + std::to_string(base >> 20) + " MiB"; }

pisces_pci_address address_of(const PciDevice& device) {
  return {device.domain, device.bus, device.slot, device.function, 0};
}

Result<EnclaveDevice> open_enclave(std::uint32_t number) {
  UniqueFd fd(::open((device_file + ("-enclave" + std::to_string(number))).c_str(), O_RDWR | O_CLOEXEC));
  if (!fd) return refusal("pisces: enclave " + std::to_string(number));
  return EnclaveDevice(std::move(fd));
}

}  // namespace

Result<EnclaveState> EnclaveDevice::state() const {
  const auto info = std::make_unique<pisces_info>();
  TRY(call(fd_.get(), PISCES_INFO, info.get(), "pisces: state of an enclave"));
  EnclaveState state{EnclaveId(info->enclave_id), static_cast<pisces_state>(info->state), info->boot_block, {}, {}, {}};
  for (std::uint32_t i = 0; i < info->cpu_count; ++i) state.cpus.emplace_back(info->cpus[i].cpu);
  state.blocks.assign(info->blocks, info->blocks + info->block_count);
  state.devices.assign(info->devices, info->devices + info->device_count);
  return state;
}

Status EnclaveDevice::add_block(std::uint64_t base, Bytes size) const {
  pisces_block block{base, size.value};
  return call(fd_.get(), PISCES_ADD_BLOCK, &block, name_of_block(base));
}

Status EnclaveDevice::remove_block(std::uint64_t base, Bytes size) const {
  pisces_block block{base, size.value};
  return call(fd_.get(), PISCES_REMOVE_BLOCK, &block, name_of_block(base));
}

Result<std::uint32_t> EnclaveDevice::add_cpu(CpuId cpu) const {
  pisces_cpu request{cpu.value, 0};
  TRY(call(fd_.get(), PISCES_ADD_CPU, &request, name_of(cpu)));
  return request.apic_id;
}

Status EnclaveDevice::remove_cpu(CpuId cpu) const {
  pisces_cpu request{cpu.value, 0};
  return call(fd_.get(), PISCES_REMOVE_CPU, &request, name_of(cpu));
}

Result<pisces_device> EnclaveDevice::add_device(const PciDevice& device) const {
  pisces_device request{};
  request.address = address_of(device);
  if (Status added = call(fd_.get(), PISCES_ADD_DEVICE, &request, "PCI device " + device.name); !added) {
    if (added.error().sys_errno() != EOPNOTSUPP) return std::move(added).error();
    return Error(Code::unsupported,
                 "PCI device " + device.name + ": no interrupt of it can reach the enclave: it has no INTx line that can " +
                     "be masked, and no MSI-X, or Linux remaps interrupts (which intremap=off prevents)",
                 EOPNOTSUPP);
  }
  return request;
}

Status EnclaveDevice::remove_device(const PciDevice& device) const {
  pisces_pci_address address = address_of(device);
  return call(fd_.get(), PISCES_REMOVE_DEVICE, &address, "PCI device " + device.name);
}

Status EnclaveDevice::boot(std::uint64_t boot_block) const {
  pisces_boot request{boot_block, 0};
  return call(fd_.get(), PISCES_BOOT, &request, "pisces: boot");
}

Status EnclaveDevice::stop() const { return call(fd_.get(), PISCES_STOP, nullptr, "pisces: stop an enclave"); }
Status EnclaveDevice::destroy() const { return call(fd_.get(), PISCES_DESTROY, nullptr, "pisces: destroy an enclave"); }
Status EnclaveDevice::ring() const { return call(fd_.get(), PISCES_RING, nullptr, "pisces: ring"); }

Result<UniqueFd> EnclaveDevice::open_block(std::uint64_t base, Bytes size) const {
  pisces_block block{base, size.value};
  return open_by(fd_.get(), PISCES_OPEN_BLOCK, &block, name_of_block(base));
}

Result<UniqueFd> EnclaveDevice::open_bell(pisces_bell kind) const {
  return open_by(fd_.get(), PISCES_OPEN_BELL, static_cast<unsigned long>(kind), "pisces: bell of an enclave");
}

std::string name_of(const pisces_pci_address& address) {
  std::array<char, 32> text{};
  const int size = std::snprintf(text.data(), text.size(), "%04x:%02x:%02x.%x", unsigned{address.domain},
                                 unsigned{address.bus}, unsigned{address.slot}, unsigned{address.function});
  return {text.data(), static_cast<std::size_t>(size)};
}

Result<Driver> Driver::open() {
  UniqueFd fd(::open(device_file, O_RDWR | O_CLOEXEC));
  if (!fd && errno == ENOENT)
    return Error(Code::unsupported, "pisces: there is no /dev/pisces: load the module pisces.ko");
  if (!fd) return last_errno("pisces: /dev/pisces");
  pisces_version version{};
  TRY(call(fd.get(), PISCES_VERSION, &version, "pisces: version"));
  if (version.abi != PISCES_ABI_VERSION)
    return Error(Code::unsupported, "pisces: the loaded module speaks version " + std::to_string(version.abi) +
                                        ", not " + std::to_string(PISCES_ABI_VERSION));
  return Driver(std::move(fd), Bytes(version.block_size));
}

Result<EnclaveDevice> Driver::create(EnclaveId id) const {
  pisces_create request{id.value, 0, 0};
  TRY(call(fd_.get(), PISCES_CREATE, &request, "pisces: make an enclave"));
  return open_enclave(request.number);
}

Result<std::vector<EnclaveState>> Driver::states() const {
  pisces_list list{};
  TRY(call(fd_.get(), PISCES_LIST, &list, "pisces: list of enclaves"));
  std::vector<EnclaveState> states;
  for (std::uint32_t number = 0; number < PISCES_MAX_ENCLAVES; ++number)
    if ((list.used >> number & 1) != 0) states.push_back(TRY(TRY(open_enclave(number)).state()));
  return states;
}

Result<EnclaveDevice> Driver::find(EnclaveId id) const {
  pisces_list list{};
  TRY(call(fd_.get(), PISCES_LIST, &list, "pisces: list of enclaves"));
  for (std::uint32_t number = 0; number < PISCES_MAX_ENCLAVES; ++number)
    if ((list.used >> number & 1) != 0 && list.enclave_ids[number] == id.value) return open_enclave(number);
  return Error(Code::not_found, "pisces: there is no enclave " + std::to_string(id.value));
}

}  // namespace hobbes::bridge
