#include "analysis/words.h"

#include <fmt/format.h>

#include <cstdint>
#include <vector>

namespace memsect {
namespace {

/// Runs of +1 or of -1, up to `most` of them.
std::string runs_text(const std::vector<std::uint64_t>& numbers, std::size_t most) {
  std::string out;
  std::size_t runs = 0;
  for (std::size_t i = 0; i < numbers.size(); ++runs) {
    if (runs == most) return out + fmt::format(", ... ({} in all)", numbers.size());
    std::size_t last = i;
    for (const std::uint64_t step : {std::uint64_t{1}, ~std::uint64_t{0}}) {
      if (last > i) break;
      while (last + 1 < numbers.size() && numbers[last + 1] == numbers[last] + step) ++last;
    }
    if (!out.empty()) out += ", ";
    out += fmt::format("{}", numbers[i]);
    if (last > i) out += fmt::format("-{}", numbers[last]);
    i = last + 1;
  }
  return out;
}

std::vector<std::uint64_t> raw_numbers(std::span<const SectionNr> sections) {
  std::vector<std::uint64_t> numbers;
  numbers.reserve(sections.size());
  for (const SectionNr nr : sections) numbers.push_back(nr.raw());
  return numbers;
}

}  // namespace

std::string sections_text(std::span<const SectionNr> ascending, std::size_t most) {
  if (ascending.empty()) return "no section";
  return (ascending.size() == 1 ? "section " : "sections ") + runs_text(raw_numbers(ascending), most);
}

std::string nodes_text(std::span<const NodeId> ascending, std::size_t most) {
  if (ascending.empty()) return "no node";
  std::vector<std::uint64_t> numbers;
  for (const NodeId node : ascending) numbers.push_back(static_cast<std::uint64_t>(raw(node)));
  return (ascending.size() == 1 ? "node " : "nodes ") + runs_text(numbers, most);
}

std::string order_text(std::span<const SectionNr> order, std::size_t most) {
  return runs_text(raw_numbers(order), most);
}

}  // namespace memsect
