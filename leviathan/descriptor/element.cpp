// SPDX-License-Identifier: Apache-2.0
// Reads with pugixml, which keeps no line numbers: it gives the offset of a node in the text, and the lines are counted
// from that when a refusal needs one.
#include "leviathan/descriptor/element.hpp"

#include <algorithm>
#include <pugixml.hpp>

namespace hobbes::descriptor {
namespace {

constexpr std::string_view blanks = " \t\r\n";

/// DOCTYPE and processing instructions are parsed only to be refused: the first is where entity bombs live.
constexpr unsigned parse_flags = pugi::parse_default | pugi::parse_doctype | pugi::parse_pi;

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(blanks);
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

bool contains(std::span<const std::string_view> names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string quoted(std::string_view name) { return "'" + std::string(name) + "'"; }

/// Text and CDATA directly in `node`, joined (a comment splits it in two).
std::string text_of(const pugi::xml_node& node) {
  std::string text;
  for (const pugi::xml_node& part : node.children())
    if (part.type() == pugi::node_pcdata || part.type() == pugi::node_cdata) text += part.value();
  return std::string(trimmed(text));
}

}  // namespace

struct Document::Text {
  std::string file;
  std::string source;  ///< pugixml's copy is changed by parsing; lines are counted in this one
  pugi::xml_document tree;

  [[nodiscard]] std::string place(std::ptrdiff_t offset) const {
    const auto end = source.begin() + std::clamp<std::ptrdiff_t>(offset, 0, std::ssize(source));
    return file + ":" + std::to_string(1 + std::count(source.begin(), end, '\n'));
  }
  [[nodiscard]] Error refuse(std::ptrdiff_t offset, std::string_view reason) const {
    return Error(Code::invalid, place(offset) + ": " + std::string(reason));
  }
  [[nodiscard]] Error refuse(const pugi::xml_node& node, std::string_view reason) const {
    return refuse(node.offset_debug(), "<" + std::string(node.name()) + ">: " + std::string(reason));
  }
};

Document::Document(std::unique_ptr<Text> text) : text_(std::move(text)) {}
Document::Document(Document&&) noexcept = default;
Document& Document::operator=(Document&&) noexcept = default;
Document::~Document() = default;

Result<Document> Document::parse(std::string_view xml, std::string_view file, std::string_view root) {
  auto text = std::make_unique<Text>();
  text->file = file;
  if (xml.size() > max_descriptor_size)
    return Error(Code::invalid, text->file + ": larger than " + std::to_string(max_descriptor_size >> 20) +
                                    " MiB: not a descriptor");
  if (trimmed(xml).empty())
    return Error(Code::invalid, text->file + ": empty: a <" + std::string(root) + "> is expected");
  text->source = xml;
  if (const auto nul = xml.find('\0'); nul != xml.npos)
    return text->refuse(static_cast<std::ptrdiff_t>(nul), "not XML: there is a NUL byte");

  const auto parsed = text->tree.load_buffer(xml.data(), xml.size(), parse_flags, pugi::encoding_utf8);
  if (!parsed) return text->refuse(parsed.offset, std::string("not well-formed XML: ") + parsed.description());
  for (const pugi::xml_node& node : text->tree.children()) {
    if (node.type() == pugi::node_doctype) return text->refuse(0, "a DOCTYPE is not accepted in a descriptor");
    if (node.type() == pugi::node_element && node != text->tree.document_element())
      return text->refuse(node, "only one element may stand at the top of a descriptor");
  }
  if (text->tree.document_element().name() != root)
    return text->refuse(text->tree.document_element(), "a <" + std::string(root) + "> is expected here");
  return Document(std::move(text));
}

Element Document::root() const { return {*text_, text_->tree.document_element().internal_object()}; }

Status Element::check(const Grammar& grammar) const {
  const pugi::xml_node node(node_);
  for (const pugi::xml_attribute& attribute : node.attributes()) {
    const std::string_view name = attribute.name();
    if (!contains(grammar.values, name)) return refusal("attribute " + quoted(name) + " is not known here");
    if (node.attribute(attribute.name()) != attribute) return refusal("attribute " + quoted(name) + " is given twice");
  }
  for (const pugi::xml_node& child : node.children()) {
    if (child.type() == pugi::node_pi) return refusal("processing instructions are not accepted");
    if (child.type() != pugi::node_element) continue;
    const bool is_value = contains(grammar.values, child.name());
    if (!is_value && !contains(grammar.children, child.name()))
      return document_->refuse(child, "this element is not known inside <" + std::string(node.name()) + ">");
    if (!is_value) continue;
    TRY(Element(*document_, child.internal_object()).check({.values = {}, .children = {}, .has_text = true}));
    if (node.child(child.name()) != child) return document_->refuse(child, "given twice");
    if (node.attribute(child.name()))
      return document_->refuse(child, "given twice, as an attribute of <" + std::string(node.name()) +
                                          "> and as an element");
  }
  if (!grammar.has_text && !text_of(node).empty())
    return refusal("text " + quoted(text_of(node).substr(0, 40)) + " is not expected here");
  return {};
}

std::optional<std::string> Element::value(std::string_view name) const {
  const pugi::xml_node node(node_);
  const std::string key(name);
  std::string text(trimmed(node.attribute(key.c_str()).value()));
  if (text.empty()) text = text_of(node.child(key.c_str()));
  if (text.empty()) return std::nullopt;
  return text;
}

std::string Element::text() const { return text_of(pugi::xml_node(node_)); }

std::vector<Element> Element::children(std::string_view name) const {
  std::vector<Element> found;
  const std::string key(name);  // the range below keeps a pointer to it
  for (const pugi::xml_node& child : pugi::xml_node(node_).children(key.c_str()))
    found.push_back({*document_, child.internal_object()});
  return found;
}

Result<std::optional<Element>> Element::child(std::string_view name) const {
  const auto found = children(name);
  if (found.size() > 1) return found[1].refusal("given twice");
  if (found.empty()) return std::optional<Element>();
  return std::optional<Element>(found[0]);
}

bool Element::has(std::string_view name) const {
  const pugi::xml_node node(node_);
  const std::string key(name);
  return node.attribute(key.c_str()) || node.child(key.c_str());
}

bool Element::empty() const {
  const pugi::xml_node node(node_);
  return !node.first_attribute() && !node.first_child();
}

Error Element::refusal(std::string_view reason) const { return document_->refuse(pugi::xml_node(node_), reason); }

Error Element::refusal_at(std::string_view value, std::string_view reason) const {
  const pugi::xml_node node(node_);
  const pugi::xml_node child = node.child(std::string(value).c_str());
  return document_->refuse(child ? child : node, reason);
}

}  // namespace hobbes::descriptor
