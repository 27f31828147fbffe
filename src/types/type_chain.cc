#include "types/type_chain.h"

#include <optional>
#include <utility>

#include "types/settling.h"

namespace memsect {
namespace {

class TypeChain final : public TypeSource {
 public:
  TypeChain(std::unique_ptr<TypeSource> first, std::vector<OpenTypes> others) {
    links_.push_back({nullptr, std::move(first)});
    for (OpenTypes& open : others) links_.push_back({std::move(open), nullptr});
  }

  std::string_view origin() const override { return links_.front().types->origin(); }
  Result<StructLayout> find_struct(std::string_view name) const override {
    return ask<StructLayout>(name, {}, [&](const TypeSource& types) { return types.find_struct(name); });
  }
  Result<std::int64_t> find_enumerator(std::string_view enum_name,
                                       std::string_view enumerator) const override {
    return ask<std::int64_t>(
        enum_name.empty() ? enumerator : enum_name, enum_name,
        [&](const TypeSource& types) { return types.find_enumerator(enum_name, enumerator); });
  }
  Result<std::vector<Enumerator>> enumerators_of(std::string_view enum_name) const override {
    return ask<std::vector<Enumerator>>(
        enum_name, {}, [&](const TypeSource& types) { return types.enumerators_of(enum_name); });
  }
  bool has_enum(std::string_view name) const override {
    return ask<bool>(name, {},
                     [&](const TypeSource& types) -> Result<bool> {
                       if (types.has_enum(name)) return true;
                       return Error{Errc::no_type, {}, {}};
                     })
        .has_value();
  }
  Result<unsigned> parameter_count(std::string_view function) const override {
    return ask<unsigned>(
        {}, {}, [&](const TypeSource& types) { return types.parameter_count(function); }, function);
  }

 private:
  struct Link {
    OpenTypes open;  ///< empty once it was called
    std::unique_ptr<TypeSource> types;
  };

  /// Null when it cannot be opened.
  const TypeSource* opened(std::size_t index) const {
    Link& link = links_[index];
    if (const OpenTypes open = std::exchange(link.open, nullptr)) {
      if (auto types = open()) link.types = std::move(*types);
    }
    return link.types.get();
  }

  /// `name` or `function` is what a source may settle; `enum_name`: the enum that the answer is in, where it has a name.
  template <class Answer>
  Result<Answer> ask(std::string_view name, std::string_view enum_name,
                     const std::function<Result<Answer>(const TypeSource&)>& question,
                     std::string_view function = {}) const {
    std::optional<Error> absent, failure;
    for (std::size_t i = 0; i < links_.size(); ++i) {
      const TypeSource* const types = opened(i);
      if (types == nullptr) continue;
      auto answer = question(*types);
      if (answer) return answer;
      const bool failed = answer.error().code != Errc::no_type;
      std::optional<Error>& kept = failed ? failure : absent;
      if (!kept) kept = std::move(answer).error();
      if (failed) continue;
      const auto* const settling = dynamic_cast<const SettlingTypes*>(types);
      if (settling != nullptr && !name.empty() && settling->settles(name)) break;
      if (settling != nullptr && !function.empty() && settling->settles_function(function)) break;
      if (!enum_name.empty() && types->has_enum(enum_name)) break;
    }
    return failure ? *std::move(failure) : *std::move(absent);
  }

  mutable std::vector<Link> links_;
};

}  // namespace

OpenTypes opens(std::unique_ptr<TypeSource> types) {
  // std::function copies what it holds.
  auto held = std::make_shared<std::unique_ptr<TypeSource>>(std::move(types));
  return [held]() -> Result<std::unique_ptr<TypeSource>> { return std::move(*held); };
}

std::unique_ptr<TypeSource> make_type_chain(std::unique_ptr<TypeSource> first,
                                            std::vector<OpenTypes> others) {
  return std::make_unique<TypeChain>(std::move(first), std::move(others));
}

}  // namespace memsect
