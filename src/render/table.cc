// Tables for people, one below the other, then the paragraphs.
//
// libsmartcols, the table library of lsblk and lsmem, draws them. It wants all rows before it draws the
// first, at about 900 bytes a row, so a longer table is drawn here, row by row, with columns as wide as its
// first rows need.
//
//   title                            bold where colours are on
//   NR  MEM_MAP             STATE    left or right aligned, nothing behind the last column
//    0  0xffffea0000000000  PMOE
//
// Rows are cut only on a terminal that is too narrow for them, and only in columns of text and lists, where
// "..." shows that it was done: half an address or a number would look like another one.
#include <libsmartcols.h>

#include <algorithm>
#include <clocale>
#include <cstdlib>
#include <cwchar>
#include <memory>

#include "render/cell_text.h"
#include "render/columns.h"
#include "render/printable.h"
#include "render/renderers.h"

namespace memsect {
namespace {

constexpr std::uint64_t gathered_rows = 10'000;
constexpr std::size_t narrowest_cut_column = 8;
constexpr const char* bold = "\033[1m";
constexpr const char* yellow = "\033[33m";
constexpr const char* plain = "\033[0m";

/// The UTF-8 locale, read from its file once and kept; null where there is none.
locale_t utf8_locale() {
  static const locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  return utf8;
}

/// UTF-8 for this thread while it lives: libsmartcols and wcwidth ask the locale how wide a character is,
/// and the same dump shall give the same table whatever the user's locale.
class Utf8Locale {
 public:
  Utf8Locale() {
    if (utf8_locale() != nullptr) before_ = uselocale(utf8_locale());
  }
  ~Utf8Locale() {
    if (utf8_locale() != nullptr) uselocale(before_);
  }
  Utf8Locale(const Utf8Locale&) = delete;
  Utf8Locale& operator=(const Utf8Locale&) = delete;

 private:
  locale_t before_ = nullptr;
};

struct Cell {
  std::string text;
  bool missing = false;  // to be highlighted: it could not be had
};
using Row = std::vector<Cell>;

/// A column as it is drawn.
struct Shown {
  std::size_t index = 0;  // in the table
  std::string name;
  bool right = false;
  std::size_t width = 0;
  bool has_text = false;  // or lists
  bool has_numbers = false;

  bool may_be_cut() const { return has_text && !has_numbers; }
};

std::size_t code_point_width(char32_t c) {
  if (c < 0x7f) return 1;
  const int width = ::wcwidth(static_cast<wchar_t>(c));
  return width < 0 ? 1 : static_cast<std::size_t>(width);
}

/// Terminal columns that `text` takes.
std::size_t text_width(std::string_view text) {
  std::size_t width = 0;
  while (!text.empty()) {
    const CodePoint c = first_code_point(text);
    width += code_point_width(c.value);
    text.remove_prefix(c.size);
  }
  return width;
}

/// `text` in at most `width` terminal columns, the last three of them "..." when it was longer.
std::string cut_to(const std::string& text, std::size_t width) {
  if (text_width(text) <= width) return text;
  std::size_t room = width - std::min<std::size_t>(width, 3);
  std::string_view rest = text;
  std::string out;
  while (!rest.empty()) {
    const CodePoint c = first_code_point(rest);
    const std::size_t needed = code_point_width(c.value);
    if (needed > room) break;
    room -= needed;
    out += rest.substr(0, c.size);
    rest.remove_prefix(c.size);
  }
  return out + "...";
}

void trim_line_ends(std::string& text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (c == '\n') out.resize(out.find_last_not_of(' ') + 1);
    out += c;
  }
  text = std::move(out);
}

bool is_number(const Value& value) {
  const auto& v = value.variant();
  return std::holds_alternative<std::int64_t>(v) || std::holds_alternative<std::uint64_t>(v) ||
         std::holds_alternative<Hex>(v) || std::holds_alternative<Size>(v);
}

bool is_text(const Value& value) {
  const auto& v = value.variant();
  return std::holds_alternative<std::string>(v) || std::holds_alternative<List>(v) ||
         std::holds_alternative<Object>(v);
}

/// Draws the tables of one report.
class TableWriter {
 public:
  TableWriter(const RenderOptions& options, const Sink& sink) : options_(options), sink_(sink) {}

  /// A table with its title, an empty line before it unless it is the first thing written. Nothing for no
  /// rows.
  Result<void> write(const Table& table, const std::vector<std::size_t>& selected);
  void write_paragraph(std::string_view text);
  const RenderOutcome& outcome() const { return outcome_; }

 private:
  void put(std::string_view text) {
    if (!outcome_.reader_gone) outcome_.reader_gone = !sink_(text);
  }
  void start_block() {
    if (wrote_any_) put("\n");
    wrote_any_ = true;
  }
  Row make_row(const Table& table, std::uint64_t row, std::vector<Shown>& columns);
  void narrow(std::vector<Shown>& columns) const;
  void cut(Row& row, const std::vector<Shown>& columns) const;
  Result<std::string> draw_whole(const std::vector<Shown>& columns, const std::vector<Row>& rows) const;
  std::string draw_heading(const std::vector<Shown>& columns) const;
  std::string draw_row(const std::vector<Shown>& columns, const Row& row) const;

  const RenderOptions& options_;
  const Sink& sink_;
  RenderOutcome outcome_;
  bool wrote_any_ = false;
};

/// The cells of a row, safe for a terminal; what they are goes into `columns`.
Row TableWriter::make_row(const Table& table, std::uint64_t row, std::vector<Shown>& columns) {
  const CellStyle style{Reader::person, options_.bytes};
  const std::vector<Value> values = table.row(row);
  Row cells(columns.size());
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (columns[i].index >= values.size()) continue;
    const Value& value = values[columns[i].index];
    cells[i].text = printable(cell_text(value, style));
    cells[i].missing = std::holds_alternative<Absent>(value.variant()) && value.has_absence();
    outcome_.absences |= value.has_absence();
    columns[i].has_numbers |= is_number(value);
    columns[i].has_text |= is_text(value);
  }
  return cells;
}

/// Takes from the widest columns that may be cut until the rows fit the terminal, or no more can be taken.
void TableWriter::narrow(std::vector<Shown>& columns) const {
  if (options_.terminal_width == 0 || columns.empty()) return;
  std::size_t total = columns.size() - 1;
  for (const Shown& column : columns) total += column.width;
  while (total > options_.terminal_width) {
    Shown* widest = nullptr;
    for (Shown& column : columns) {
      const std::size_t least = std::max(narrowest_cut_column, column.name.size());
      const bool can_give = column.may_be_cut() && column.width > least;
      if (can_give && (widest == nullptr || column.width > widest->width)) widest = &column;
    }
    if (widest == nullptr) return;
    --widest->width;
    --total;
  }
}

void TableWriter::cut(Row& row, const std::vector<Shown>& columns) const {
  if (options_.terminal_width == 0) return;
  for (std::size_t i = 0; i < row.size(); ++i) {
    if (columns[i].may_be_cut()) row[i].text = cut_to(row[i].text, columns[i].width);
  }
}

Result<std::string> TableWriter::draw_whole(const std::vector<Shown>& columns,
                                            const std::vector<Row>& rows) const {
  const Error no_memory{Errc::io, "not enough memory for a table of this size", "try --format csv"};
  const std::unique_ptr<libscols_table, void (*)(libscols_table*)> table(scols_new_table(),
                                                                         scols_unref_table);
  if (table == nullptr) return no_memory;
  scols_table_set_termforce(table.get(), SCOLS_TERMFORCE_NEVER);  // what does not fit is already cut
  scols_table_enable_noencoding(table.get(), 1);                  // what is not printable is already escaped
  scols_table_enable_noheadings(table.get(), options_.headings ? 0 : 1);
  scols_table_enable_colors(table.get(), options_.color ? 1 : 0);
  for (const Shown& column : columns) {
    const int flags = column.right ? SCOLS_FL_RIGHT : 0;
    libscols_column* drawn = scols_table_new_column(table.get(), column.name.c_str(), 0, flags);
    if (drawn == nullptr) return no_memory;
    scols_cell_set_color(scols_column_get_header(drawn), options_.color ? bold : nullptr);
  }
  for (const Row& row : rows) {
    libscols_line* line = scols_table_new_line(table.get(), nullptr);
    if (line == nullptr) return no_memory;
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (scols_line_set_data(line, i, row[i].text.c_str()) != 0) return no_memory;
      if (options_.color && row[i].missing) scols_cell_set_color(scols_line_get_cell(line, i), yellow);
    }
  }
  char* raw = nullptr;
  if (scols_print_table_to_string(table.get(), &raw) != 0) return no_memory;
  const std::unique_ptr<char, void (*)(void*)> text(raw, std::free);
  std::string out = text.get();
  if (!out.ends_with('\n')) out += '\n';
  trim_line_ends(out);
  return out;
}

std::string TableWriter::draw_heading(const std::vector<Shown>& columns) const {
  Row names;
  for (const Shown& column : columns) names.push_back({column.name, false});
  const std::string line = draw_row(columns, names);
  return options_.color ? bold + line.substr(0, line.size() - 1) + plain + "\n" : line;
}

std::string TableWriter::draw_row(const std::vector<Shown>& columns, const Row& row) const {
  std::string line;
  for (std::size_t i = 0; i < row.size(); ++i) {
    const std::size_t width = text_width(row[i].text);
    const std::string padding(columns[i].width - std::min(width, columns[i].width), ' ');
    if (i > 0) line += ' ';
    if (columns[i].right) line += padding;
    line += options_.color && row[i].missing ? yellow + row[i].text + plain : row[i].text;
    if (!columns[i].right) line += padding;
  }
  line += '\n';
  trim_line_ends(line);
  return line;
}

Result<void> TableWriter::write(const Table& table, const std::vector<std::size_t>& selected) {
  if (table.row_count == 0 || selected.empty() || outcome_.reader_gone) return {};
  std::vector<Shown> columns;
  for (const std::size_t index : selected) {
    const Column& column = table.columns[index];
    // libsmartcols leaves room for a name that it does not write, too.
    columns.push_back({index, std::string(column.name), column.align == Align::right, column.name.size()});
  }
  std::vector<Row> rows;
  for (std::uint64_t i = 0; i < std::min(table.row_count, gathered_rows); ++i) {
    rows.push_back(make_row(table, i, columns));
    for (std::size_t c = 0; c < columns.size(); ++c) {
      columns[c].width = std::max(columns[c].width, text_width(rows.back()[c].text));
    }
  }
  narrow(columns);
  for (Row& row : rows) cut(row, columns);

  start_block();
  if (options_.headings && !table.title.empty()) {
    const std::string title = printable(table.title);
    put((options_.color ? bold + title + plain : title) + "\n");
  }
  if (table.row_count <= gathered_rows) {
    auto text = draw_whole(columns, rows);
    if (!text) return std::move(text).error();
    put(*text);
    return {};
  }
  if (options_.headings) put(draw_heading(columns));
  for (const Row& row : rows) put(draw_row(columns, row));
  rows = {};
  for (std::uint64_t i = gathered_rows; i < table.row_count && !outcome_.reader_gone; ++i) {
    Row row = make_row(table, i, columns);
    cut(row, columns);
    put(draw_row(columns, row));
  }
  return {};
}

void TableWriter::write_paragraph(std::string_view text) {
  start_block();
  put(printable_lines(text) + (text.ends_with('\n') ? "" : "\n"));
}

Result<RenderOutcome> render(const Report& report, const RenderOptions& options, const Sink& sink) {
  if (report.tables.empty() && report.paragraphs.empty()) {
    return Error{Errc::unsupported, "this command has no table", "try json"};
  }
  const Utf8Locale utf8;
  TableWriter writer(options, sink);
  const bool no_tables = report.words_alone && options.columns.empty();
  for (std::size_t i = 0; i < report.tables.size() && !no_tables; ++i) {
    // -o names columns of the first table; those below it explain, and keep theirs.
    const auto selected =
        select_columns(report.tables[i], i == 0 ? options.columns : std::vector<std::string>{});
    if (!selected) return selected.error();
    auto written = writer.write(report.tables[i], *selected);
    if (!written) return std::move(written).error();
  }
  for (const std::string& paragraph : report.paragraphs) writer.write_paragraph(paragraph);
  return writer.outcome();
}

}  // namespace

void prepare_rendering() { static_cast<void>(utf8_locale()); }

const Renderer table_renderer{"table", render};

}  // namespace memsect
