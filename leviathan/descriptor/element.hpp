// SPDX-License-Identifier: Apache-2.0
// Document and Element: an XML file read strictly. Whoever reads an element says first what may be in it; whatever
// else is there is refused with file, line and element. pugixml stays behind this header's .cpp.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace pugi {
struct xml_node_struct;
}  // namespace pugi

namespace hobbes::descriptor {

/// Larger files are refused: a descriptor is typed by a person.
inline constexpr std::size_t max_descriptor_size = std::size_t{1} << 20;

class Element;

/// A parsed file. Elements refer to it: it must outlive them.
class Document {
 public:
  /// Refuses what is not well-formed, is too large, has a DOCTYPE, or whose root is not `root`.
  [[nodiscard]] static Result<Document> parse(std::string_view xml, std::string_view file, std::string_view root);
  Document(Document&&) noexcept;
  Document& operator=(Document&&) noexcept;
  ~Document();

  [[nodiscard]] Element root() const;

 private:
  friend class Element;
  struct Text;
  explicit Document(std::unique_ptr<Text> text);
  std::unique_ptr<Text> text_;
};

class Element {
 public:
  /// What may be inside: `values` are attributes or child elements that hold text alone, each given once;
  /// `children` are child elements with content of their own. `has_text`: the element itself may hold text.
  struct Grammar {
    std::span<const std::string_view> values;
    std::span<const std::string_view> children;
    bool has_text = false;
  };

  /// Refuses everything the grammar does not name. Call before reading.
  [[nodiscard]] Status check(const Grammar& grammar) const;

  /// The text of attribute `name` or of child element `name` (check() has seen to it that there is only one), blanks
  /// around it removed; an empty one is absent.
  [[nodiscard]] std::optional<std::string> value(std::string_view name) const;
  /// The element's own text, blanks around it removed.
  [[nodiscard]] std::string text() const;
  /// Child elements called `name`, in order.
  [[nodiscard]] std::vector<Element> children(std::string_view name) const;
  /// The only child element called `name`; two are an error.
  [[nodiscard]] Result<std::optional<Element>> child(std::string_view name) const;
  /// Whether there is an attribute or a child element of that name, empty or not.
  [[nodiscard]] bool has(std::string_view name) const;

  /// Whether there is nothing in it at all.
  [[nodiscard]] bool empty() const;

  /// A refusal of this element: "file:line: <name>: reason".
  [[nodiscard]] Error refusal(std::string_view reason) const;
  /// As above, on the line of the child element `value` where it is one.
  [[nodiscard]] Error refusal_at(std::string_view value, std::string_view reason) const;
  /// `result` with its error turned into a refusal at `value`; an empty `value` means the element itself.
  template <typename T>
  [[nodiscard]] Result<T> located(std::string_view value, Result<T> result) const {
    if (!result) return refusal_at(value, result.error().text());
    return result;
  }

 private:
  friend class Document;
  Element(const Document::Text& document, pugi::xml_node_struct* node) : document_(&document), node_(node) {}

  const Document::Text* document_;
  pugi::xml_node_struct* node_;
};

}  // namespace hobbes::descriptor
