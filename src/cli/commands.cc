#include <array>

#include "cli/command.h"

namespace memsect {

namespace {
constexpr std::array<const Command*, 9> all{&info_command,   &sections_command, &nodes_command,
                                            &blocks_command, &usemap_command,   &subsections_command,
                                            &deps_command,   &addr_command,     &extract_command};
}  // namespace

std::span<const Command* const> commands() { return all; }

}  // namespace memsect
