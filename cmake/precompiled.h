// Read once per folder instead of once per file (cmake/Precompiled.cmake). No file may count on it: each includes what it
// uses, which tools/test sees by building the program without it.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>
#include <variant>
#include <vector>
