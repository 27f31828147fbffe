// Types that a test makes up, for kernels that no fixture stands for.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "types/type_source.h"

namespace memsect::test {

struct FakeTypes final : TypeSource {
  std::map<std::pair<std::string, std::string>, std::int64_t> enumerators;  ///< {enum, enumerator}
  std::map<std::string, unsigned> parameters;
  std::map<std::string, std::vector<Enumerator>> enums;

  std::string_view origin() const override { return "fake"; }
  Result<StructLayout> find_struct(std::string_view name) const override {
    return Error{Errc::no_type, std::string(name), {}};
  }
  Result<std::int64_t> find_enumerator(std::string_view enum_name,
                                       std::string_view enumerator) const override {
    const auto found = enumerators.find({std::string(enum_name), std::string(enumerator)});
    if (found == enumerators.end()) return Error{Errc::no_type, std::string(enumerator), {}};
    return found->second;
  }
  Result<std::vector<Enumerator>> enumerators_of(std::string_view name) const override {
    const auto found = enums.find(std::string(name));
    if (found == enums.end()) return Error{Errc::no_type, std::string(name), {}};
    return found->second;
  }
  bool has_enum(std::string_view) const override { return false; }
  Result<unsigned> parameter_count(std::string_view function) const override {
    const auto found = parameters.find(std::string(function));
    if (found == parameters.end()) return Error{Errc::no_type, std::string(function), {}};
    return found->second;
  }
};

}  // namespace memsect::test
