// VMCOREINFO: the kernel's own note about itself, lines of NAME=VALUE.
//
//   OSRELEASE=6.1.0-13-amd64        plain text
//   SYMBOL(mem_section)=ffff8880..  hexadecimal without 0x. For arrays and for SYMBOL_ARRAY-style
//                                   entries the value of the expression: under SPARSEMEM_EXTREME
//                                   the pointer's content, not its address
//   SIZE(page)=64, OFFSET(page.flags)=0, LENGTH(mem_section)=2048      decimal
//   NUMBER(phys_base)=-260046848    signed decimal, or hexadecimal behind 0x
//   KERNELOFFSET=33c00000           hexadecimal without 0x, no tag
//
// Source: Documentation/admin-guide/kdump/vmcoreinfo.rst, kernel/vmcore_info.c.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/position.h"
#include "base/result.h"

namespace memsect {

class Vmcoreinfo {
 public:
  Vmcoreinfo() = default;
  /// Parses the text of the note; it ends at the first NUL. A last line that neither a line feed nor a NUL
  /// ends is cut and left out. Fails with `corrupt` when no line has the form NAME=VALUE.
  static Result<Vmcoreinfo> parse(std::string_view text);

  bool empty() const { return values_.empty(); }
  /// The lines, as far as they count, the NULs at the end left out.
  const std::string& text() const { return text_; }
  /// The value of `key` word for word; `key` as written, its tag included.
  std::optional<std::string_view> value(std::string_view key) const;

  std::optional<VirtAddr> symbol(std::string_view name) const;         ///< SYMBOL(name)
  std::optional<std::int64_t> number(std::string_view name) const;     ///< NUMBER(name)
  std::optional<std::uint64_t> size(std::string_view name) const;      ///< SIZE(name), bytes
  std::optional<std::uint64_t> offset(std::string_view member) const;  ///< OFFSET(struct.member), bytes
  std::optional<std::uint64_t> length(std::string_view name) const;    ///< LENGTH(name), elements

  /// The release string ("6.1.0-13-amd64"), empty when the note has none.
  std::string release() const { return std::string(value("OSRELEASE").value_or("")); }
  std::optional<std::uint64_t> page_size() const;
  /// What KASLR added to the link addresses, from KERNELOFFSET.
  std::optional<std::uint64_t> kernel_offset() const;
  /// Keys that stand in the note more than once with different values; the first one counts.
  const std::vector<std::string>& contradictions() const { return contradictions_; }

 private:
  std::optional<std::uint64_t> tagged_unsigned(std::string_view tag, std::string_view name) const;

  std::string text_;
  std::map<std::string, std::string, std::less<>> values_;
  std::vector<std::string> contradictions_;
};

}  // namespace memsect
