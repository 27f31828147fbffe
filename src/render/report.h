// A report: what a command answers, before it is written in any format.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/notes.h"
#include "base/result.h"
#include "render/value.h"

namespace memsect {

enum class Align { left, right };

/// A column of a table: its name as users type it in -o, what it means, and how it is shown.
struct Column {
  std::string_view name;
  std::string_view help;
  Align align = Align::left;
  bool shown_by_default = true;
};

/// A table. Rows are made one at a time when they are written, so that a long listing is never held as a
/// whole.
struct Table {
  std::string title;  ///< a line above it in table format; empty for none
  std::vector<Column> columns;
  std::uint64_t row_count = 0;
  /// The cells of one row, one per column.
  std::function<std::vector<Value>(std::uint64_t row)> row;
};

/// A directed graph for --format dot. A command that draws one names it even when nothing is in it. Edges
/// without a colour get one by their label, the same for the same label.
struct Graph {
  struct Vertex {
    std::string id, label, cluster;  ///< cluster: the box it is drawn in, empty for none
  };
  struct Edge {
    std::string from, to, label, color;
  };
  std::string name;
  std::vector<Vertex> vertices;
  std::vector<Edge> edges;
};

/// What a command answers. `tables` and `paragraphs` are for people; the first table is also what csv, pairs
/// and raw write; `data` or `rows` is the JSON's "data".
struct Report {
  std::string_view command;
  Object source;  ///< the envelope's "source"
  Notes notes;
  std::vector<Table> tables;
  std::vector<std::string> paragraphs;  ///< text below the tables, in table format only
  bool words_alone = false;     ///< in table format the paragraphs say it all, unless columns are asked for
  Value data;                   ///< JSON "data", unless `rows` is set
  std::uint64_t row_count = 0;  ///< JSON "data" as a list made row by row
  std::function<Value(std::uint64_t row)> rows;
  Graph graph;
};

enum class ColorMode { automatic, always, never };

/// How to write it.
struct RenderOptions {
  /// Columns of the first table in the order wanted; "+NAME" first: the default ones and these; empty:
  /// default.
  std::vector<std::string> columns;
  bool headings = true;
  bool bytes = false;           ///< sizes as plain numbers in tables too
  bool color = false;           ///< escape sequences wanted (already decided: terminal, NO_COLOR)
  unsigned terminal_width = 0;  ///< 0: do not truncate
};

/// Receives the text piece by piece. False: the reader has gone (closed pipe), stop quietly.
using Sink = std::function<bool(std::string_view text)>;

/// What a renderer met on its way through the values.
struct RenderOutcome {
  bool reader_gone = false;
  bool absences = false;  ///< at least one value was absent for a reason other than not_applicable
};

/// A report format. `render` fails with `usage` for an unknown column, `unsupported` when the report has no
/// such form.
struct Renderer {
  std::string_view name;  ///< as in --format
  Result<RenderOutcome> (*render)(const Report&, const RenderOptions&, const Sink&);
};

/// All formats, in the order of the help.
std::span<const Renderer* const> renderers();
const Renderer* find_renderer(std::string_view name);

}  // namespace memsect
