// SPDX-License-Identifier: Apache-2.0
#include "leviathan/pmi/wire.hpp"

#include <algorithm>

namespace hobbes::leviathan::pmi {
namespace {

/// "name=value", or a word by itself, which is a name without a value.
std::pair<std::string, std::string> split_word(std::string_view word) {
  const std::size_t equals = std::min(word.find('='), word.size());
  return {std::string(word.substr(0, equals)), std::string(word.substr(std::min(equals + 1, word.size())))};
}

std::vector<std::pair<std::string, std::string>> words_of(std::string_view line) {
  std::vector<std::pair<std::string, std::string>> words;
  while (true) {
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    if (line.empty()) return words;
    const std::size_t end = std::min(line.find(' '), line.size());
    words.push_back(split_word(line.substr(0, end)));
    line.remove_prefix(end);
  }
}

}  // namespace

std::string_view Request::operator[](std::string_view name) const {
  const auto found = attributes.find(name);
  return found == attributes.end() ? std::string_view() : std::string_view(found->second);
}

Status RequestReader::add(std::string_view bytes) {
  rest_.append(bytes);
  std::size_t start = 0;
  for (std::size_t end; (end = rest_.find('\n', start)) != std::string::npos; start = end + 1) {
    TRY(add_line(std::string_view(rest_).substr(start, end - start)));
  }
  rest_.erase(0, start);
  if (rest_.size() > max_request) return Error(Code::invalid, "a request without an end");
  return {};
}

Status RequestReader::add_line(std::string_view line) {
  if (several_) {
    several_size_ += line.size() + 1;
    if (several_size_ > max_request) return Error(Code::invalid, "a request without an end");
    if (line == "endcmd") {
      ready_.push_back(*std::exchange(several_, std::nullopt));
    } else {
      several_->attributes.insert(split_word(line));
    }
    return {};
  }
  auto words = words_of(line);
  if (words.empty()) return Error(Code::invalid, "an empty request");
  Request request{.command = std::move(words.front().second), .attributes = {}};
  const std::string how = std::move(words.front().first);
  request.attributes.insert(std::make_move_iterator(words.begin() + 1), std::make_move_iterator(words.end()));
  if (how == "mcmd") {
    several_ = std::move(request);
    several_size_ = line.size();
    return {};
  }
  if (how != "cmd") return Error(Code::invalid, "a request that is none");
  ready_.push_back(std::move(request));
  return {};
}

std::optional<Request> RequestReader::take() {
  if (ready_.empty()) return std::nullopt;
  Request first = std::move(ready_.front());
  ready_.erase(ready_.begin());
  return first;
}

std::string answer(std::string_view command,
                   const std::vector<std::pair<std::string_view, std::string>>& attributes) {
  std::string line = "cmd=" + std::string(command);
  for (const auto& [name, value] : attributes) {
    line.append(" ").append(name).append("=");
    std::ranges::transform(value, std::back_inserter(line), [](char c) { return c == ' ' || c == '\n' ? '_' : c; });
  }
  return line + '\n';
}

}  // namespace hobbes::leviathan::pmi
