#include "memory/vmcoreinfo.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace memsect {

Result<Vmcoreinfo> Vmcoreinfo::parse(std::string_view text) {
  Vmcoreinfo info;
  const std::size_t nul = text.find('\0');
  text = text.substr(0, nul);
  const std::size_t end = nul == std::string_view::npos ? text.rfind('\n') + 1 : text.size();
  info.text_ = text.substr(0, end);
  if (!info.text_.ends_with('\n')) info.text_ += '\n';
  while (!text.empty()) {
    const std::size_t line_feed = text.find('\n');
    // The kernel fills one page and cuts the line that does not fit (vmcoreinfo_append_str). Half a number
    // looks like another number, so a last line that nothing ends does not count.
    if (line_feed == std::string_view::npos && nul == std::string_view::npos) break;
    const std::string_view line = text.substr(0, line_feed);
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos || equals == 0) continue;
    const auto [known, fresh] = info.values_.emplace(line.substr(0, equals), line.substr(equals + 1));
    if (!fresh && known->second != line.substr(equals + 1)) info.contradictions_.push_back(known->first);
  }
  if (info.values_.empty())
    return Error{Errc::corrupt, "the VMCOREINFO note has no line of the form NAME=VALUE", {}};
  return info;
}

std::optional<std::string_view> Vmcoreinfo::value(std::string_view key) const {
  const auto found = values_.find(key);
  if (found == values_.end()) return std::nullopt;
  return found->second;
}

std::optional<VirtAddr> Vmcoreinfo::symbol(std::string_view name) const {
  const auto text = value(fmt::format("SYMBOL({})", name));
  const auto raw = text ? parse_hex(*text) : std::nullopt;
  return raw ? std::optional(VirtAddr(*raw)) : std::nullopt;
}

std::optional<std::int64_t> Vmcoreinfo::number(std::string_view name) const {
  const auto text = value(fmt::format("NUMBER({})", name));
  if (!text) return std::nullopt;
  const bool negative = text->starts_with('-');
  const auto magnitude = parse_unsigned(negative ? text->substr(1) : *text);
  if (!magnitude) return std::nullopt;
  return static_cast<std::int64_t>(negative ? 0 - *magnitude : *magnitude);
}

std::optional<std::uint64_t> Vmcoreinfo::tagged_unsigned(std::string_view tag, std::string_view name) const {
  const auto text = value(fmt::format("{}({})", tag, name));
  return text ? parse_unsigned(*text) : std::nullopt;
}

std::optional<std::uint64_t> Vmcoreinfo::size(std::string_view name) const {
  return tagged_unsigned("SIZE", name);
}
std::optional<std::uint64_t> Vmcoreinfo::offset(std::string_view member) const {
  return tagged_unsigned("OFFSET", member);
}
std::optional<std::uint64_t> Vmcoreinfo::length(std::string_view name) const {
  return tagged_unsigned("LENGTH", name);
}

std::optional<std::uint64_t> Vmcoreinfo::page_size() const {
  const auto text = value("PAGESIZE");
  return text ? parse_unsigned(*text) : std::nullopt;
}

std::optional<std::uint64_t> Vmcoreinfo::kernel_offset() const {
  const auto text = value("KERNELOFFSET");
  return text ? parse_hex(*text) : std::nullopt;
}

}  // namespace memsect
