// How findings name sections and nodes in sentences.
#pragma once

#include <span>
#include <string>

#include "base/position.h"

namespace memsect {

/// "section 5", "sections 0-3, 8". After `most` ranges the rest is only counted: "sections 0, 2, 4, ... (512
/// in all)".
std::string sections_text(std::span<const SectionNr> ascending, std::size_t most = 16);
/// "node 1", "nodes 0-2".
std::string nodes_text(std::span<const NodeId> ascending, std::size_t most = 16);
/// The numbers alone, in the order given, runs in either direction drawn together: "8-5, 3, 0-2".
std::string order_text(std::span<const SectionNr> order, std::size_t most = 16);

}  // namespace memsect
