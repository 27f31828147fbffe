// The names of kallsyms: what is stored, spelled out of tokens.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

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

/// Goes over the names one by one, out of memory as they come: a few KiB are kept.
class KallsymsNameReader {
 public:
  /// From the name on that begins `offset` bytes behind `names`; no further than `limit` bytes behind it.
  KallsymsNameReader(const AddressSpace& space, VirtAddr names, std::uint64_t limit, std::uint64_t offset = 0)
      : space_(space), names_(names), limit_(limit), window_at_(offset) {}

  /// The tokens of the next name, there until the next call. Nothing when it cannot be had, which error() explains.
  std::span<const unsigned char> next();
  /// Where the name behind the last one begins.
  std::uint64_t offset() const { return window_at_ + at_; }
  const Error& error() const { return error_; }

 private:
  bool length_at(std::size_t& first, std::size_t& count) const;
  bool fill();

  AddressSpace space_;  // its own: it remembers mappings
  VirtAddr names_;
  std::uint64_t limit_;
  std::uint64_t window_at_;  // offset of window_
  std::vector<unsigned char> window_;
  std::size_t at_ = 0;  // in window_
  Error error_;
};

/// All names, indexed. Holds on to the memory it was read from: a name that is asked for is compared there.
class KallsymsNames {
 public:
  /// `corrupt` when the names do not end where the kernel's markers begin, or the markers know other places.
  static Result<KallsymsNames> load(const AddressSpace& space, const KallsymsPlace& place,
                                    const KallsymsKernel& kernel);

  std::uint32_t size() const { return static_cast<std::uint32_t>(index_.size()); }
  /// The lowest number with this name; `no_symbol` when there is none.
  Result<std::uint32_t> find(std::string_view name) const;
  /// Type and name of `number`, which must be below size().
  Result<std::string> spelled(std::uint32_t number) const;
  bool has_data_symbols() const { return has_data_symbols_; }
  /// Names, markers, tokens.
  const std::vector<VirtRange>& tables() const { return tables_; }

 private:
  KallsymsNames(const AddressSpace& space, VirtAddr names) : space_(space), names_(names) {}
  Result<void> walk(const KallsymsPlace& place, std::uint32_t count);
  Result<void> check_markers(const KallsymsKernel& kernel);
  Result<std::vector<unsigned char>> tokens_of(std::uint32_t number) const;
  bool spells(const std::vector<unsigned char>& tokens, std::string_view name) const;

  AddressSpace space_;
  VirtAddr names_;
  std::uint64_t end_ = 0;  // where they end behind names_
  KallsymsTokens tokens_;
  std::vector<std::uint32_t> marks_;  // where each 256th name begins, found on the way
  NameIndex index_;
  bool has_data_symbols_ = false;
  std::vector<VirtRange> tables_;
};

}  // namespace memsect
