#include "render/renderers.h"

#include <array>

namespace memsect {
namespace {

constexpr std::array<const Renderer*, 6> all{&table_renderer, &json_renderer, &csv_renderer,
                                             &pairs_renderer, &raw_renderer,  &dot_renderer};

}  // namespace

std::span<const Renderer* const> renderers() { return all; }

const Renderer* find_renderer(std::string_view name) {
  for (const Renderer* renderer : all) {
    if (renderer->name == name) return renderer;
  }
  return nullptr;
}

}  // namespace memsect
