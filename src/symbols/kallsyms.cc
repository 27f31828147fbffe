// Addresses of kallsyms, and which of the forms they have had they are in:
//
//   absolute   kallsyms_addresses[i]                                  configurations of up to 6.10
//   base       kallsyms_relative_base + kallsyms_offsets[i]           Linux 2213e9a66bb8 ("kallsyms: add support
//              for relative offsets in kallsyms address table") (v4.6) to 6.19
//   per-CPU    the same table on x86 with SMP, to 6.14: not below 0, it is an address itself (a per-CPU variable's);
//              else kallsyms_relative_base - 1 - it
//   place      the place of kallsyms_offsets[i] + kallsyms_offsets[i], signed    7.0+, when the base went
//
// Nothing in memory says which. But VMCOREINFO knows _stext, and of all of them one alone puts it there. A table that is
// taken to begin one entry off does so too where _text is the same address: then init_uts_ns, which VMCOREINFO knows as
// well, lies elsewhere.
#include "symbols/kallsyms.h"

#include <fmt/format.h>

#include "symbols/kallsyms_names.h"

namespace memsect {
namespace {

using Form = KallsymsAddresses::Form;

constexpr std::size_t offset_size = 4;

/// How to get from the number of a symbol to its address.
struct AddressRule {
  KallsymsAddresses where;
  std::uint64_t base = 0;  ///< the content of relative_base
  bool per_cpu = false;    ///< Form::base as x86 has it
};

std::string_view table_name(Form form) {
  return form == Form::absolute ? "kallsyms_addresses" : "kallsyms_offsets";
}

class KallsymsTable final : public Kallsyms {
 public:
  KallsymsTable(const AddressSpace& space, const KallsymsKernel& kernel, KallsymsNames names)
      : space_(space), kernel_(kernel), names_(std::move(names)) {}
  /// Finds out how addresses are written; once, before anything else.
  Result<void> choose_rule(const std::vector<KallsymsAddresses>& candidates);

  Result<VirtAddr> find(std::string_view name) const override {
    const auto number = names_.find(name);
    return number ? address(*number, rule_) : Result<VirtAddr>(number.error());
  }
  bool has_data_symbols() const override { return names_.has_data_symbols(); }
  std::uint32_t size() const override { return names_.size(); }
  Result<KallsymsSymbol> symbol(std::uint32_t number) const override;
  std::vector<VirtRange> tables() const override;

 private:
  Result<std::uint64_t> read_word(VirtAddr at, std::size_t size) const;
  Result<VirtAddr> address(std::uint32_t number, const AddressRule& rule) const;
  std::vector<AddressRule> rules_of(const std::vector<KallsymsAddresses>& candidates,
                                    std::optional<Error>& unreadable) const;
  Result<void> check_init_uts_ns(const AddressRule& rule) const;
  std::size_t entry_size(Form form) const { return form == Form::absolute ? kernel_.word_size : offset_size; }

  AddressSpace space_;
  KallsymsKernel kernel_;
  KallsymsNames names_;
  AddressRule rule_;
};

Result<std::uint64_t> KallsymsTable::read_word(VirtAddr at, std::size_t size) const {
  const AddressSpace space = space_;  // it remembers mappings: threads must not share one
  return space.read_number(at, size, kernel_.order);
}

Result<VirtAddr> KallsymsTable::address(std::uint32_t number, const AddressRule& rule) const {
  const Form form = rule.where.form;
  const VirtAddr at = rule.where.table + number * entry_size(form);
  const auto stored = read_word(at, entry_size(form));
  if (!stored) return Error(stored.error()).within(table_name(form));
  const auto offset = static_cast<std::uint64_t>(sign_extend(*stored, offset_size));
  std::uint64_t address = *stored;
  if (form == Form::place) address = at.raw() + offset;
  if (form == Form::base && !rule.per_cpu) address = rule.base + *stored;
  if (form == Form::base && rule.per_cpu && static_cast<std::int64_t>(offset) < 0)
    address = rule.base - 1 - offset;
  return VirtAddr(kernel_.word_size == offset_size ? static_cast<std::uint32_t>(address) : address);
}

Result<void> KallsymsTable::choose_rule(const std::vector<KallsymsAddresses>& candidates) {
  auto known = names_.find("_stext");
  if (!known) known = names_.find("_text");
  if (!known)
    return Error{Errc::corrupt, "kallsyms has neither _stext nor _text: nothing to check it by", {}};
  std::optional<Error> unreadable, other_init_uts_ns;
  std::optional<AddressRule> unchecked;
  std::string elsewhere;
  for (const AddressRule& rule : rules_of(candidates, unreadable)) {
    const auto stext = address(*known, rule);
    if (!stext) {
      unreadable = stext.error();
      continue;
    }
    if (*stext != kernel_.stext) {
      elsewhere += fmt::format("{}{:#x}", elsewhere.empty() ? "" : " or ", stext->raw());
      continue;
    }
    auto checked = check_init_uts_ns(rule);
    if (checked) {
      rule_ = rule;
      return {};
    }
    if (checked.error().code == Errc::corrupt) {
      other_init_uts_ns = std::move(checked).error();
    } else if (!unchecked) {
      unchecked = rule;
    }
  }
  if (unchecked) {  // what cannot be read speaks against nothing
    rule_ = *unchecked;
    return {};
  }
  if (other_init_uts_ns) return *std::move(other_init_uts_ns);
  if (elsewhere.empty() && unreadable) return *std::move(unreadable);
  return Error{Errc::corrupt,
               fmt::format("kallsyms puts _stext at {}, VMCOREINFO at {:#x}",
                           elsewhere.empty() ? "no address" : elsewhere, kernel_.stext.raw()),
               {}};
}

/// The forms that each of `candidates` may have. One whose base cannot be read has none, for the reason `unreadable`.
std::vector<AddressRule> KallsymsTable::rules_of(const std::vector<KallsymsAddresses>& candidates,
                                                 std::optional<Error>& unreadable) const {
  std::vector<AddressRule> rules;
  for (const KallsymsAddresses& where : candidates) {
    if (where.form != Form::base) {
      rules.push_back({where, 0, false});
      continue;
    }
    const auto base = read_word(where.relative_base, kernel_.word_size);
    if (base) {
      for (const bool per_cpu : {false, true}) rules.push_back({where, *base, per_cpu});
    } else {
      unreadable = Error(base.error()).within("kallsyms_relative_base");
    }
  }
  return rules;
}

/// `corrupt` when `rule` puts it elsewhere.
Result<void> KallsymsTable::check_init_uts_ns(const AddressRule& rule) const {
  if (!kernel_.init_uts_ns) return {};
  const auto known = names_.find("init_uts_ns");
  if (!known && known.error().code != Errc::no_symbol) return known.error();
  if (!known) return {};  // without CONFIG_KALLSYMS_ALL variables are not in the table
  const auto found = address(*known, rule);
  if (!found) return found.error();
  if (*found == *kernel_.init_uts_ns) return {};
  return Error{Errc::corrupt,
               fmt::format("kallsyms puts init_uts_ns at {:#x}, VMCOREINFO at {:#x}", found->raw(),
                           kernel_.init_uts_ns->raw()),
               {}};
}

Result<KallsymsSymbol> KallsymsTable::symbol(std::uint32_t number) const {
  if (number >= size()) return Error{Errc::no_symbol, fmt::format("kallsyms has no symbol {}", number), {}};
  const auto where = address(number, rule_);
  if (!where) return where.error();
  const auto text = names_.spelled(number);
  if (!text) return text.error();
  if (text->empty()) return KallsymsSymbol{0, "", *where};
  return KallsymsSymbol{text->front(), text->substr(1), *where};
}

std::vector<VirtRange> KallsymsTable::tables() const {
  std::vector<VirtRange> all = names_.tables();
  all.push_back({rule_.where.table, size() * entry_size(rule_.where.form)});
  if (rule_.where.form == Form::base) all.push_back({rule_.where.relative_base, kernel_.word_size});
  return all;
}

/// The number of the first symbol of the highest address that is not above `wanted`; the table is sorted.
std::optional<std::uint32_t> number_below(const Kallsyms& table, VirtAddr wanted) {
  const auto is_below = [&](std::uint32_t number, VirtAddr limit) {
    const auto symbol = table.symbol(number);
    return symbol && symbol->address < limit;
  };
  const auto first_not_below = [&](VirtAddr limit) {
    std::uint32_t low = 0, high = table.size();
    while (low < high) {
      const std::uint32_t middle = low + (high - low) / 2;
      if (is_below(middle, limit)) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  };
  const std::uint32_t above = first_not_below(wanted + 1);
  if (above == 0) return std::nullopt;
  const auto nearest = table.symbol(above - 1);
  return nearest ? std::optional(first_not_below(nearest->address)) : std::nullopt;
}

}  // namespace

std::vector<std::optional<CodeSymbol>> Kallsyms::code_at(std::span<const VirtAddr> addresses) const {
  std::vector<std::optional<CodeSymbol>> found;
  for (const VirtAddr address : addresses) {
    const auto number = number_below(*this, address);
    const auto at = number ? symbol(*number) : Error{Errc::no_symbol, "none", {}};
    const bool is_code = at && std::string_view("tTwW").find(at->type) != std::string_view::npos;
    found.push_back(is_code ? std::optional(CodeSymbol{at->name, address - at->address}) : std::nullopt);
  }
  return found;
}

Result<KallsymsKernel> kallsyms_kernel(const Vmcoreinfo& vmcoreinfo, ByteOrder order, unsigned word_size) {
  const auto stext = vmcoreinfo.symbol("_stext");
  if (!stext)
    return Error{
        Errc::no_symbol, "VMCOREINFO does not say where _stext is: nothing to check kallsyms by", {}};
  return KallsymsKernel{*stext, order, word_size, vmcoreinfo.symbol("init_uts_ns")};
}

Result<KallsymsPlace> kallsyms_place(const Vmcoreinfo& vmcoreinfo) {
  KallsymsPlace place;
  struct Wanted {
    std::string_view name;
    VirtAddr KallsymsPlace::*field;
  };
  for (const Wanted& wanted : {Wanted{"kallsyms_num_syms", &KallsymsPlace::num_syms},
                               Wanted{"kallsyms_names", &KallsymsPlace::names},
                               Wanted{"kallsyms_token_table", &KallsymsPlace::token_table},
                               Wanted{"kallsyms_token_index", &KallsymsPlace::token_index}}) {
    const auto at = vmcoreinfo.symbol(wanted.name);
    // Linux 5fd8fea935a1 ("vmcoreinfo: include kallsyms symbols") (v6.0)
    if (!at)
      return Error{
          Errc::no_symbol, fmt::format("VMCOREINFO does not say where {} is (6.0+)", wanted.name), {}};
    place.*wanted.field = *at;
  }
  const auto offsets = vmcoreinfo.symbol("kallsyms_offsets");
  const auto relative_base = vmcoreinfo.symbol("kallsyms_relative_base");
  const auto addresses = vmcoreinfo.symbol("kallsyms_addresses");
  if (offsets && relative_base) place.addresses.push_back({Form::base, *offsets, *relative_base});
  if (offsets && !relative_base) place.addresses.push_back({Form::place, *offsets, {}});
  if (addresses) place.addresses.push_back({Form::absolute, *addresses, {}});
  if (place.addresses.empty()) {
    return Error{Errc::no_symbol, "VMCOREINFO names neither kallsyms_offsets nor kallsyms_addresses", {}};
  }
  return place;
}

Result<std::unique_ptr<Kallsyms>> open_kallsyms(const AddressSpace& space, const KallsymsPlace& place,
                                                const KallsymsKernel& kernel) {
  auto names = KallsymsNames::load(space, place, kernel);
  if (!names) return std::move(names).error();
  auto table = std::make_unique<KallsymsTable>(space, kernel, *std::move(names));
  if (auto done = table->choose_rule(place.addresses); !done) return std::move(done).error();
  return std::unique_ptr<Kallsyms>(std::move(table));
}

}  // namespace memsect
