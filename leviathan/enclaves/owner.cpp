// SPDX-License-Identifier: Apache-2.0
#include "leviathan/enclaves/owner.hpp"

#include <pwd.h>

#include <array>
#include <limits>
#include <optional>
#include <string>

#include "base/parse.hpp"

namespace hobbes::leviathan::enclaves {
namespace {

constexpr uid_t root = 0;
constexpr std::size_t passwd_text_size = 16384;
/// The last number means "no user" to the kernel.
constexpr std::uint64_t max_uid = std::numeric_limits<uid_t>::max() - 1;

Error refusal(std::string_view text, const std::string& why) {
  return {Code::invalid, "owner '" + std::string(text) + "': " + why};
}

/// As the machine's list of users has it. The group is absent for a number that the list does not have.
struct Login {
  uid_t uid = 0;
  std::optional<gid_t> gid;
};

Result<Login> find_login(std::string_view user) {
  std::array<char, passwd_text_size> text;
  passwd entry{};
  passwd* found = nullptr;
  if (!is_decimal(user)) {
    ::getpwnam_r(std::string(user).c_str(), &entry, text.data(), text.size(), &found);
    if (found == nullptr) return refusal(user, "there is no such user");
    return Login{found->pw_uid, found->pw_gid};
  }
  const auto uid = static_cast<uid_t>(TRY(parse_u64(user, "owner", 0, max_uid)));
  ::getpwuid_r(uid, &entry, text.data(), text.size(), &found);
  return Login{uid, found == nullptr ? std::nullopt : std::optional(found->pw_gid)};
}

Result<Owner> parse(std::string_view text) {
  const std::size_t colon = text.find(':');
  const Login login = TRY(find_login(text.substr(0, colon)));
  if (colon != std::string_view::npos) {
    const auto group = parse_group(text.substr(colon + 1));
    if (!group) return refusal(text, group.error().text());
    return Owner{login.uid, *group->id};
  }
  if (!login.gid) return refusal(text, "its group is not known; write " + std::string(text) + ":GROUP");
  return Owner{login.uid, *login.gid};
}

}  // namespace

Result<Owner> parse_owner(std::string_view text, const Owner& creator) {
  if (text.empty()) return creator;
  const Owner owner = TRY(parse(text));
  if (creator.uid == root || (owner.uid == creator.uid && owner.gid == creator.gid)) return owner;
  return Error(Code::denied, "owner '" + std::string(text) + "': only root makes an enclave somebody else's");
}

Status check_use(Node& node, const Caller& caller, std::string_view enclave) {
  const auto txn = TRY(node.db().read());
  const auto record = TRY(txn.find_enclave(enclave));
  const std::string what = "enclave '" + std::string(enclave) + "'";
  if (!record) return Error(Code::not_found, what + ": there is none of that name");
  return leviathan::check_use(caller, record->owner_uid, what);
}

}  // namespace hobbes::leviathan::enclaves
