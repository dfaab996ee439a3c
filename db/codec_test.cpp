// SPDX-License-Identifier: Apache-2.0
#include "db/codec.hpp"

#include <random>

#include <catch2/catch.hpp>

#include "db/index_set.hpp"
#include "db/records.hpp"

using namespace hobbes;
using namespace hobbes::db;

namespace {

std::string hex(std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    (text += digits[byte >> 4]) += digits[byte & 15];
  }
  return text;
}

Cpu sample_cpu() {
  Cpu cpu;
  cpu.id = CpuId(3);
  cpu.slot = 1;
  cpu.apic_id = 6;
  cpu.numa = NumaId(1);
  cpu.package = 1;
  cpu.core = 2;
  cpu.state = ResourceState::allocated;
  cpu.owner = EnclaveId(5);
  cpu.logical_id = 0;
  return cpu;
}

Operation sample_operation() {
  Operation operation;
  operation.id = OperationId(9);
  operation.what = OperationKind::create_enclave;
  operation.enclave = EnclaveId(5);
  operation.arguments = std::string("a\0b", 3);
  operation.step = 2;
  operation.assign.cpus = {{CpuId(3), 1}, {CpuId(4), 0}};
  operation.assign.blocks = {PhysAddr(0x8000000)};
  operation.release.devices = {{0, 1, 2, 3}};
  return operation;
}

/// A record with every field set by the visitor to something that is not its default.
struct Filler {
  std::uint64_t n = 1;
  template <typename T>
  void operator()(std::string_view, T& value) { set(value); }
  template <std::integral T>
  void set(T& value) { value = static_cast<T>(n++); }
  void set(bool& value) { value = true; }
  template <Enumeration T>
  void set(T& value) { value = static_cast<T>(1); }
  template <typename Tag, typename Rep>
  void set(Strong<Tag, Rep>& value) { set(value.value); }
  void set(Bytes& value) { set(value.value); }
  void set(std::string& text) { text = "text " + std::to_string(n++); }
  template <typename T>
  void set(std::optional<T>& value) { set(value.emplace()); }
  template <typename T>
  void set(std::vector<T>& values) {
    values.resize(3);
    for (T& value : values) set(value);
  }
  template <Visitable T>
  void set(T& value) { T::fields(*this, value); }
};

template <typename Record>
Record filled() {
  Filler filler;
  Record record;
  Record::fields(filler, record);
  return record;
}

template <typename Record>
void round_trip(std::string_view kind) {
  INFO(kind);
  const Record record = filled<Record>();
  const std::string bytes = encode(record);
  const auto back = decode<Record>(bytes, kind);
  REQUIRE(back.has_value());
  CHECK(to_text(kind, *back) == to_text(kind, record));
  CHECK(*back == record);
  // Cut off anywhere, it is refused; with a byte too many, too.
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    CHECK_FALSE(decode<Record>(bytes.substr(0, size), kind).has_value());
  }
  CHECK_FALSE(decode<Record>(bytes + '\0', kind).has_value());
}

/// Whatever it is given, decoding ends in a record or in Code::corrupt, and a record encodes to what it was read from.
template <typename Record>
void decode_noise(std::mt19937& random) {
  std::string bytes = encode(filled<Record>());
  for (int changes = static_cast<int>(random() % 4); changes >= 0; --changes) {
    bytes[random() % bytes.size()] = static_cast<char>(random());
  }
  if (random() % 4 == 0) bytes.resize(random() % (bytes.size() + 1));
  const auto record = decode<Record>(bytes, "noise");
  if (record) {
    CHECK(encode(*record) == bytes);
  } else {
    CHECK(record.error().code() == Code::corrupt);
  }
}

}  // namespace

TEST_CASE("records keep their bytes from version to version", "[db]") {
  CHECK(hex(encode(sample_cpu())) ==
        "03000000"            // id
        "01000000"            // slot
        "06000000"            // apic_id
        "01000000"            // numa
        "01000000"            // package
        "02000000"            // core
        "03"                  // state
        "010500000000000000"  // owner
        "0000000000000000"    // operation
        "00000000");          // logical_id
  CHECK(hex(encode(sample_operation())) ==
        "0900000000000000"    // id
        "01"                  // what
        "0500000000000000"    // enclave
        "0000000000000000"    // app
        "03000000610062"      // arguments
        "02000000"            // step
        "020000000300000001000000" "0400000000000000"  // assign.cpus
        "010000000000000800000000"                     // assign.blocks
        "00000000"                                     // assign.devices
        "00000000" "00000000"                          // release.cpus, blocks
        "0100000000000000010203"                       // release.devices
        "0000000000000000"    // instance
        "0000000000000000");  // started
  Enclave enclave;
  enclave.id = EnclaveId(1);
  enclave.name = "hpc";
  enclave.type = EnclaveType::pisces;
  enclave.state = EnclaveState::running;
  CHECK(hex(encode(enclave)) ==
        "0100000000000000" "03000000687063" "02" "01" "0000000000000000" "00000000" "00000000" "00000000" "00000000"
        "00000000" "0000000000000000" "0000000000000000" "00000000");
}

TEST_CASE("keys keep their bytes and sort as their numbers do", "[db]") {
  CHECK(hex(KeyBytes(EnclaveId(258)).view()) == "0201000000000000");  // a number, compared as one by LMDB
  CHECK(hex(KeyBytes(CpuKey{CpuId(258), 1}).view()) == "0000010200000001");
  CHECK(hex(KeyBytes(PciAddress{0, 1, 2, 3}).view()) == "00000000010203");
  CHECK(hex(KeyBytes(PmiKey{AppId(1), "s", "k"}).view()) == "0000000000000001" "0173" "016b");
  CHECK(KeyBytes(CpuKey{CpuId(2), 0}).view() < KeyBytes(CpuKey{CpuId(10), 0}).view());
  CHECK(KeyBytes(CpuKey{CpuId(2), 9}).view() < KeyBytes(CpuKey{CpuId(3), 0}).view());
}

TEST_CASE("the worked example of docs/database.md is what is stored", "[db]") {
  Cpu cpu;
  cpu.id = CpuId(5);
  cpu.apic_id = 10;
  cpu.numa = NumaId(0);
  cpu.core = 2;
  cpu.state = ResourceState::reserved;
  cpu.owner = EnclaveId(3);
  cpu.operation = OperationId(17);
  CHECK(to_text(Cpu::kind, cpu) ==
        "CPU{id=5 slot=0 apic_id=10 numa=0 package=0 core=2 state=RSVD owner=3 operation=17 logical_id=-1}");
  CHECK(hex(encode(cpu)) == "05000000" "00000000" "0a000000" "00000000" "00000000" "02000000" "01"
                            "010300000000000000" "1100000000000000" "ffffffff");
  const KeyBytes key(cpu.key());
  CHECK(hex(key.view()) == "0000000500000000");
  std::string entries;
  for (const IndexSet::Value& value : index_set(cpu)) {
    entries += hex(index_key(Cpu::table, value, key.view()).view()) + " ";
  }
  CHECK(entries == "030100000000000000010000000500000000 030200000000000000030000000500000000 ");
}

TEST_CASE("every record comes back as it was stored, and only whole", "[db]") {
#define HOBBES_DB_ROUND_TRIP(R) round_trip<R>(R::kind);
  HOBBES_DB_RECORDS(HOBBES_DB_ROUND_TRIP)
#undef HOBBES_DB_ROUND_TRIP
  round_trip<Meta>("node");
}

TEST_CASE("a view reads the same fields as a copy", "[db]") {
  const std::string bytes = encode(filled<App>());
  const auto view = decode<AppView>(bytes, App::kind);
  REQUIRE(view.has_value());
  CHECK(to_text(App::kind, *view) == to_text(App::kind, filled<App>()));
}

TEST_CASE("what does not decode names its field", "[db]") {
  std::string bytes = encode(sample_cpu());
  bytes[24] = 9;  // state
  const auto bad_state = decode<Cpu>(bytes, Cpu::kind);
  REQUIRE_FALSE(bad_state.has_value());
  CHECK(bad_state.error().code() == Code::corrupt);
  CHECK(bad_state.error().text() == "CPU record: field 'state' is cut short or has an impossible value");

  const auto too_long = decode<Cpu>(encode(sample_cpu()) + "x", Cpu::kind);
  REQUIRE_FALSE(too_long.has_value());
  CHECK(too_long.error().text() == "CPU record: bytes after its last field");

  Operation operation = sample_operation();
  std::string text = encode(operation);
  text[25] = '\xff';  // length of the arguments
  const auto bad_length = decode<Operation>(text, Operation::kind);
  REQUIRE_FALSE(bad_length.has_value());
  CHECK(bad_length.error().text().find("'arguments'") != std::string::npos);
}

TEST_CASE("noise never decodes to anything but itself", "[db]") {
  std::mt19937 random(20240229);
  for (int i = 0; i < 2000; ++i) {
#define HOBBES_DB_NOISE(R) decode_noise<R>(random);
    HOBBES_DB_RECORDS(HOBBES_DB_NOISE)
#undef HOBBES_DB_NOISE
  }
}

TEST_CASE("a record prints its fields by name", "[db]") {
  CHECK(to_text(Cpu::kind, sample_cpu()) ==
        "CPU{id=3 slot=1 apic_id=6 numa=1 package=1 core=2 state=ALLOCATED owner=5 operation=0 logical_id=0}");
  CHECK(to_text("resources", sample_operation().assign) ==
        "resources{cpus=[{id=3 slot=1} {id=4 slot=0}] blocks=[134217728] devices=[]}");
}

TEST_CASE("enumerations have the words of the listings", "[db]") {
  CHECK(to_string(EnclaveType::pisces) == "PISCES_ENCLAVE");
  CHECK(to_string(EnclaveState::crashed) == "Crashed");
  CHECK(to_string(ResourceState::reserved) == "RSVD");
  CHECK(to_string(static_cast<ResourceState>(77)) == "?");
  CHECK(to_string(PciAddress{0, 0, 0x1f, 2}) == "0000:00:1f.2");
  CHECK(parse_pci_address("00:1f.2").value() == PciAddress{0, 0, 0x1f, 2});
  CHECK(parse_pci_address("10001:a0:00.7").value() == PciAddress{0x10001, 0xa0, 0, 7});
  for (const char* wrong : {"", "00:1f", "00:1f.8", "00:20.0", "100:00.0", "0:0:0:0.0", "00:1f.2 ", "-1:00.0", "00:1g.0"})
    CHECK(parse_pci_address(wrong).error().code() == Code::invalid);
}
