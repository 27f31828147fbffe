#include <array>

#include "cli/command.h"

namespace memsect {

namespace {
constexpr std::array<const Command*, 12> all{
    &info_command, &sections_command,  &nodes_command, &blocks_command, &usemap_command, &subsections_command,
    &deps_command, &removable_command, &why_command,   &check_command,  &addr_command,   &extract_command};
}  // namespace

std::span<const Command* const> commands() { return all; }

}  // namespace memsect
