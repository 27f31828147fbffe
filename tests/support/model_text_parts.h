// The parts of the notation of support/model_text.h that the checks need: numbers of nodes and zones, memory blocks,
// content of usages.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "model/memory_model.h"

namespace memsect {

/// Each says whether the word or line is one of these, and has taken it then; an Error with the complaint when it is one
/// and makes no sense.
Result<bool> take_geometry_word(std::string_view word, MemoryGeometry& geometry);
Result<bool> take_section_word(std::string_view word, const MemoryGeometry& geometry, Section& section);
Result<bool> take_node_word(std::string_view word, Node& node);
Result<bool> take_line(std::string_view keyword, std::span<const std::string_view> words, MemoryModel& model);

/// What the above take, as text: words with a blank in front of each, and whole lines.
std::string geometry_words(const MemoryGeometry& geometry);
std::string section_words(const MemoryModel& model, const Section& section);
std::string node_words(const Node& node);
std::string zone_lines(const Node& node);
std::string block_lines(const MemoryModel& model);
std::string migratetype_line(const MemoryModel& model);

/// "excluded" and the like as an Error, and back.
std::optional<Error> reason_named(std::string_view name);
std::string reason_text(const Error& error);

}  // namespace memsect
