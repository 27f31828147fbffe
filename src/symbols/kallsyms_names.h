// The names of kallsyms: what is stored, spelled out of tokens.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/large_buffer.h"
#include "base/result.h"
#include "memory/address_space.h"
#include "symbols/kallsyms.h"
#include "symbols/name_index.h"

namespace memsect {

/// The 256 pieces that names are made of. token_index has the place of each in token_table.
class KallsymsTokens {
 public:
  /// `corrupt` when the index does not name the starts of 256 texts that lie one behind the other.
  static Result<KallsymsTokens> load(const AddressSpace& space, const KallsymsPlace& place, ByteOrder order);

  std::string_view operator[](std::size_t token) const {
    return std::string_view(text_).substr(starts_[token], starts_[token + 1] - starts_[token] - 1);
  }
  /// Bytes of token_table.
  std::size_t size() const { return text_.size(); }

 private:
  std::string text_;
  std::array<std::uint32_t, 257> starts_{};
};

/// All names, indexed.
class KallsymsNames {
 public:
  /// `corrupt` when the names do not end where the kernel's markers begin, or the markers know other places.
  static Result<KallsymsNames> load(const AddressSpace& space, const KallsymsPlace& place,
                                    const KallsymsKernel& kernel);

  std::uint32_t size() const { return static_cast<std::uint32_t>(index_.size()); }
  /// The lowest number with this name.
  std::optional<std::uint32_t> find(std::string_view name) const;
  /// Type and name of `number`, which must be below size().
  std::string spelled(std::uint32_t number) const;
  bool has_data_symbols() const { return has_data_symbols_; }
  /// Names, markers, tokens.
  const std::vector<VirtRange>& tables() const { return tables_; }

 private:
  struct Name {
    std::size_t first = 0;  ///< where its tokens begin in bytes_
    std::size_t count = 0;
  };
  Result<void> walk(const AddressSpace& space, const KallsymsPlace& place, std::uint32_t count);
  Result<void> check_markers(const AddressSpace& space, VirtAddr names, const KallsymsKernel& kernel);
  bool name_at(std::size_t at, Name& name) const;
  Name name_of(std::uint32_t number) const;
  bool is_named(std::uint32_t number, std::string_view name) const;

  KallsymsTokens tokens_;
  LargeBuffer bytes_;                 // kallsyms_names
  std::size_t have_ = 0;              // how much of it was read
  std::size_t end_ = 0;               // where the names end in it
  std::vector<std::uint32_t> marks_;  // where each 256th name begins, found on the way
  NameIndex index_;
  bool has_data_symbols_ = false;
  std::vector<VirtRange> tables_;
};

}  // namespace memsect
