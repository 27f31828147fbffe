#include "render/columns.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string_view>

#include "render/printable.h"

namespace memsect {
namespace {

char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

bool same_name(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return upper(x) == upper(y); });
}

std::optional<std::size_t> find_column(const Table& table, std::string_view name) {
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    if (same_name(table.columns[i].name, name)) return i;
  }
  return std::nullopt;
}

Error unknown_column(const Table& table, std::string_view name) {
  std::string known;
  for (const Column& column : table.columns) {
    known += known.empty() ? "" : ", ";
    known += column.name;
  }
  return {Errc::usage, fmt::format("there is no column \"{}\"", printable(name)), "the columns are " + known};
}

}  // namespace

Result<std::vector<std::size_t>> select_columns(const Table& table, const std::vector<std::string>& wanted) {
  const bool adds = !wanted.empty() && wanted.front().starts_with('+');
  std::vector<std::size_t> selected;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    if ((wanted.empty() || adds) && table.columns[i].shown_by_default) selected.push_back(i);
  }
  for (const std::string& written : wanted) {
    std::string_view name = written;
    if (name.starts_with('+')) name.remove_prefix(1);
    const auto found = find_column(table, name);
    if (!found) return unknown_column(table, name);
    const bool shown = std::find(selected.begin(), selected.end(), *found) != selected.end();
    if (!adds || !shown) selected.push_back(*found);
  }
  return selected;
}

}  // namespace memsect
