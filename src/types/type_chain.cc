#include "types/type_chain.h"

#include <utility>

namespace memsect {
namespace {

class TypeChain final : public TypeSource {
 public:
  TypeChain(std::unique_ptr<TypeSource> first, OpenTypes open_second)
      : first_(std::move(first)), open_second_(std::move(open_second)) {}

  std::string_view origin() const override { return first_->origin(); }
  Result<StructLayout> find_struct(std::string_view name) const override;
  Result<std::int64_t> find_enumerator(std::string_view enum_name,
                                       std::string_view enumerator) const override {
    return first_->find_enumerator(enum_name, enumerator);
  }
  Result<std::vector<Enumerator>> enumerators_of(std::string_view enum_name) const override;
  bool has_enum(std::string_view name) const override { return first_->has_enum(name); }
  Result<unsigned> parameter_count(std::string_view function) const override {
    return first_->parameter_count(function);
  }

 private:
  const TypeSource* second() const;

  std::unique_ptr<TypeSource> first_;
  mutable OpenTypes open_second_;  ///< empty once it was called
  mutable std::unique_ptr<TypeSource> second_;
};

/// Null when there is none.
const TypeSource* TypeChain::second() const {
  if (const OpenTypes open = std::exchange(open_second_, nullptr)) {
    if (auto opened = open()) second_ = std::move(*opened);
  }
  return second_.get();
}

Result<StructLayout> TypeChain::find_struct(std::string_view name) const {
  auto layout = first_->find_struct(name);
  if (layout || layout.error().code != Errc::no_type || second() == nullptr) return layout;
  auto other = second()->find_struct(name);
  // A second source that failed is no proof that the kernel lacks the type, so its reason is the answer then.
  if (!other && other.error().code == Errc::no_type) return layout;
  return other;
}

Result<std::vector<Enumerator>> TypeChain::enumerators_of(std::string_view enum_name) const {
  auto all = first_->enumerators_of(enum_name);
  if (all || all.error().code != Errc::no_type || second() == nullptr) return all;
  auto other = second()->enumerators_of(enum_name);
  if (!other && other.error().code == Errc::no_type) return all;
  return other;
}

}  // namespace

std::unique_ptr<TypeSource> make_type_chain(std::unique_ptr<TypeSource> first, OpenTypes open_second) {
  return std::make_unique<TypeChain>(std::move(first), std::move(open_second));
}

}  // namespace memsect
