// The kernel's own symbol table, in its memory: names and addresses without a vmlinux.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_order.h"
#include "base/position.h"
#include "base/result.h"
#include "memory/address_space.h"
#include "memory/vmcoreinfo.h"
#include "symbols/symbol_source.h"

namespace memsect {

/// A table that the addresses may be in, and how they would be written there.
struct KallsymsAddresses {
  enum class Form {
    absolute,  ///< kallsyms_addresses: a word each
    base,  ///< kallsyms_offsets: 32 bits each, to be added to (or, of x86, taken from) kallsyms_relative_base
    place,  ///< kallsyms_offsets: 32 signed bits each, relative to where they stand
  };
  Form form = Form::absolute;
  VirtAddr table;
  VirtAddr relative_base;  ///< of Form::base: where the base is kept
};

/// Where the tables lie.
struct KallsymsPlace {
  VirtAddr num_syms;
  VirtAddr names;
  VirtAddr token_table;
  VirtAddr token_index;
  std::vector<KallsymsAddresses> addresses;  ///< tried in turn: what puts _stext where it is, is right
};

/// What is known of the kernel beforehand.
struct KallsymsKernel {
  VirtAddr stext;  ///< where _stext is
  ByteOrder order = ByteOrder::little;
  unsigned word_size = 8;                              ///< bytes of a long
  std::optional<VirtAddr> init_uts_ns = std::nullopt;  ///< where that variable is: a second thing to check by
};

/// One entry of the table.
struct KallsymsSymbol {
  char type = 0;  ///< as nm writes it: T and t code, D and d data, ...
  std::string name;
  VirtAddr address;
};

/// The symbols of the kernel image (not of modules), at run-time addresses. Immutable; reads addresses from memory
/// when asked, so the memory and the translator of the AddressSpace it was given must outlive it.
class Kallsyms : public SymbolSource {
 public:
  /// The address of `name`, of several symbols of one name the lowest. `no_symbol` when the table has none, else
  /// the reason why the table cannot be read there.
  virtual Result<VirtAddr> find(std::string_view name) const = 0;
  /// Whether variables are in the table. Without CONFIG_KALLSYMS_ALL only functions are: then mem_section and the
  /// like have to come from System.map or a vmlinux.
  virtual bool has_data_symbols() const = 0;
  /// How many symbols there are.
  virtual std::uint32_t size() const = 0;
  /// Symbol `number`, in order of addresses, counted from 0.
  virtual Result<KallsymsSymbol> symbol(std::uint32_t number) const = 0;
  /// Everything that has to be there for this table to be read: for an extract of the dump.
  virtual std::vector<VirtRange> tables() const = 0;

  std::string_view origin() const override { return "kallsyms"; }
  std::optional<VirtAddr> address_of(std::string_view name) const override {
    const auto address = find(name);
    return address ? std::optional(*address) : std::nullopt;
  }
  std::vector<std::optional<CodeSymbol>> code_at(std::span<const VirtAddr> addresses) const override;
};

/// What VMCOREINFO knows; `no_symbol` when _stext is not in it.
Result<KallsymsKernel> kallsyms_kernel(const Vmcoreinfo& vmcoreinfo, ByteOrder order, unsigned word_size = 8);

/// Where VMCOREINFO says that the tables lie (6.0+). `no_symbol` when it does not: see find_kallsyms.
Result<KallsymsPlace> kallsyms_place(const Vmcoreinfo& vmcoreinfo);

/// Reads and indexes the names, checks them against the kernel's own markers, and the addresses against `kernel`.
/// `corrupt` when they disagree; a table that cannot be read is named in the error.
Result<std::unique_ptr<Kallsyms>> open_kallsyms(const AddressSpace& space, const KallsymsPlace& place,
                                                const KallsymsKernel& kernel);

}  // namespace memsect
