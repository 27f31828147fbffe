// The JSON envelope "memsect/1":
//
//   { "schema": "memsect/1", "command": ..., "source": {...}, "notes": [...], "data": ... }
//
// Addresses and bitmaps are strings "0x...", sizes and counts numbers of up to 64 bits, exact. What could
// not be had is {"absent": reason, "why": sentence}. "data" is written piece by piece, one row at a time, so
// that a listing of every section of a large machine is never held as a whole.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "render/columns.h"
#include "render/renderers.h"

namespace memsect {
namespace {

using Json = nlohmann::ordered_json;

Json to_json(const Value& value);

struct ToJson {
  Json operator()(std::monostate) const { return nullptr; }
  Json operator()(bool b) const { return b; }
  Json operator()(std::int64_t n) const { return n; }
  Json operator()(std::uint64_t n) const { return n; }
  Json operator()(Hex h) const { return hex(h.value); }
  Json operator()(Size s) const { return s.bytes; }
  Json operator()(const std::string& text) const { return text; }
  Json operator()(const Absent& absent) const {
    Json out = Json::object();
    out["absent"] = std::string(absent.reason);
    out["why"] = absent.why;
    return out;
  }
  Json operator()(const List& list) const {
    Json out = Json::array();
    for (const Value& item : list) out.push_back(to_json(item));
    return out;
  }
  Json operator()(const Object& object) const {
    Json out = Json::object();
    for (const auto& [key, value] : object) out[std::string(key)] = to_json(value);
    return out;
  }
};

Json to_json(const Value& value) { return std::visit(ToJson{}, value.variant()); }

/// `text`, which JSON wrote, moved `depth` levels to the right. DEL and the C1 controls, which JSON lets
/// stand and a terminal obeys, become \u00NN: they, unlike its line feeds, can only stand inside strings.
std::string settle(std::string_view text, std::size_t depth) {
  constexpr std::string_view of_interest = "\n\x7f\xc2";
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::size_t run = std::min(text.find_first_of(of_interest), text.size());
    out += text.substr(0, run);
    text.remove_prefix(run);
    if (text.empty()) break;
    const auto next = static_cast<unsigned char>(text.size() > 1 ? text[1] : '\0');
    const bool c1 = text[0] == '\xc2' && next < 0xa0;
    if (text[0] == '\n') {
      out.append(1, '\n').append(2 * depth, ' ');
    } else if (text[0] == '\x7f') {
      out += "\\u007f";
    } else if (c1) {
      out += fmt::format("\\u{:04x}", next);
    } else {
      out += text[0];
    }
    text.remove_prefix(c1 ? 2 : 1);
  }
  return out;
}

std::string json_text(const Json& json, std::size_t depth) {
  return settle(json.dump(2, ' ', false, Json::error_handler_t::replace), depth);
}

/// Lists and objects are taken apart this deep, "data" itself being depth 1; what is below is written in one
/// piece.
constexpr std::size_t pieces_to_depth = 2;

class Writer {
 public:
  explicit Writer(const Sink& sink) : sink_(sink) {}

  bool write(const Report& report) {
    Json head = Json::object();
    head["schema"] = "memsect/1";
    head["command"] = std::string(report.command);
    head["source"] = to_json(report.source);
    head["notes"] = Json::array();
    for (const Note& note : report.notes.all()) {
      head["notes"].push_back({{"severity", note.severity == Severity::warning ? "warning" : "note"},
                               {"text", note.text},
                               {"hint", note.hint}});
    }
    std::string text = json_text(head, 0);
    text.resize(text.size() - 2);  // the closing brace and the line feed before it
    return sink_(text + ",\n  \"data\": ") && write_data(report) && sink_("\n}\n");
  }

  bool absences() const { return absences_; }

 private:
  bool write_data(const Report& report) {
    if (!report.rows) {
      absences_ = report.data.has_absence();
      return write_value(report.data, 1);
    }
    return write_pieces('[', ']', report.row_count, 1, [this, &report](std::uint64_t index) {
      const Value row = report.rows(index);
      absences_ |= row.has_absence();
      return sink_(json_text(to_json(row), 2));
    });
  }

  bool write_value(const Value& value, std::size_t depth) {
    const auto* list = std::get_if<List>(&value.variant());
    const auto* object = std::get_if<Object>(&value.variant());
    if (list != nullptr && depth <= pieces_to_depth) {
      return write_pieces('[', ']', list->size(), depth,
                          [&](std::uint64_t index) { return write_value((*list)[index], depth + 1); });
    }
    if (object != nullptr && depth <= pieces_to_depth) {
      return write_pieces('{', '}', object->size(), depth, [&](std::uint64_t index) {
        const auto& member = (*object)[index];
        return sink_(json_text(std::string(member.first), 0) + ": ") && write_value(member.second, depth + 1);
      });
    }
    return sink_(json_text(to_json(value), depth));
  }

  /// A list or object whose pieces `write_piece` writes, laid out as nlohmann lays out its own.
  template <class WritePiece>
  bool write_pieces(char open, char close, std::uint64_t count, std::size_t depth, WritePiece write_piece) {
    if (count == 0) return sink_(std::string{open, close});
    for (std::uint64_t i = 0; i < count; ++i) {
      if (!sink_(fmt::format("{}\n{:{}}", i == 0 ? open : ',', "", 2 * depth + 2)) || !write_piece(i))
        return false;
    }
    return sink_(fmt::format("\n{:{}}{}", "", 2 * depth, close));
  }

  const Sink& sink_;
  bool absences_ = false;
};

Result<RenderOutcome> render(const Report& report, const RenderOptions& options, const Sink& sink) {
  // Keys are fixed by the schema, but a mistyped column is a mistake in every format.
  if (!report.tables.empty()) {
    auto selected = select_columns(report.tables.front(), options.columns);
    if (!selected) return std::move(selected).error();
  }
  Writer writer(sink);
  RenderOutcome outcome;
  outcome.reader_gone = !writer.write(report);
  outcome.absences = writer.absences();
  return outcome;
}

}  // namespace

const Renderer json_renderer{"json", render};

}  // namespace memsect
