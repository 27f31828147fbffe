// The text is as hostile as a dump: it is parsed piece by piece into values, never deeper than an answer of memsect goes.
#include "compare/saved_answer.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <vector>

#include "compare/compared_fields.h"

namespace memsect {
namespace {

constexpr std::size_t deepest = 32;

/// Receives what the parser reads, and puts values together.
class Builder final : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit Builder(std::set<std::string, std::less<>>& words) : words_(words) {}

  Value take() { return std::move(root_); }
  const std::string& problem() const { return problem_; }

  bool null() override { return put({}); }
  bool boolean(bool value) override { return put(value); }
  bool number_integer(number_integer_t value) override { return put(std::int64_t{value}); }
  bool number_unsigned(number_unsigned_t value) override { return put(std::uint64_t{value}); }
  bool number_float(number_float_t /*value*/, const string_t& text) override { return put(text); }
  bool string(string_t& text) override { return put(std::move(text)); }
  bool binary(binary_t& /*value*/) override { return false; }

  bool start_object(std::size_t /*size*/) override { return open(Value(Object{})); }
  bool key(string_t& name) override {
    open_.back().key = *words_.emplace(std::move(name)).first;
    return true;
  }
  bool end_object() override { return close(); }
  bool start_array(std::size_t /*size*/) override { return open(Value(List{})); }
  bool end_array() override { return close(); }

  bool parse_error(std::size_t position, const std::string& /*token*/,
                   const nlohmann::detail::exception& /*error*/) override {
    problem_ = fmt::format("it makes no sense as JSON at byte {}", position);
    return false;
  }

 private:
  struct Open {
    bool is_object = false;
    Object object;
    List list;
    std::string_view key;
  };

  bool open(const Value& empty) {
    if (open_.size() == deepest) {
      problem_ = "it is nested deeper than any answer";
      return false;
    }
    open_.push_back({std::holds_alternative<Object>(empty.variant()), {}, {}, {}});
    return true;
  }

  bool close() {
    Open done = std::move(open_.back());
    open_.pop_back();
    return put(done.is_object ? object_or_absence(std::move(done.object)) : Value(std::move(done.list)));
  }

  /// {"absent": reason, "why": sentence} is how an absence is written.
  Value object_or_absence(Object object) {
    if (object.size() == 2 && object[0].first == "absent" && object[1].first == "why") {
      const auto* reason = std::get_if<std::string>(&object[0].second.variant());
      const auto* why = std::get_if<std::string>(&object[1].second.variant());
      if (reason != nullptr && why != nullptr) return Absent{*words_.emplace(*reason).first, *why};
    }
    return object;
  }

  bool put(Value value) {
    if (open_.empty()) {
      root_ = std::move(value);
    } else if (open_.back().is_object) {
      open_.back().object.emplace_back(open_.back().key, std::move(value));
    } else {
      open_.back().list.push_back(std::move(value));
    }
    return true;
  }

  std::set<std::string, std::less<>>& words_;
  std::vector<Open> open_;
  Value root_;
  std::string problem_;
};

const std::string* text_at(const Value& root, std::string_view key) {
  const Value* value = member(root, key);
  return value == nullptr ? nullptr : std::get_if<std::string>(&value->variant());
}

Error no_answer(std::string why) {
  return {Errc::bad_format, "not an answer of memsect --json: " + std::move(why), {}};
}

}  // namespace

bool looks_like_saved_answer(std::string_view beginning) {
  const std::size_t first = beginning.find_first_not_of(" \t\r\n");
  return first != std::string_view::npos && beginning[first] == '{';
}

Result<std::unique_ptr<SavedAnswer>> read_saved_answer(std::string_view text) {
  auto answer = std::make_unique<SavedAnswer>();
  Builder builder(answer->words);
  if (!nlohmann::json::sax_parse(text.begin(), text.end(), &builder)) return no_answer(builder.problem());
  const Value root = builder.take();
  const std::string* schema = text_at(root, "schema");
  if (schema == nullptr || *schema != "memsect/1") return no_answer("it does not say schema memsect/1");
  const std::string* command = text_at(root, "command");
  const Value* data = member(root, "data");
  const Value* source = member(root, "source");
  const auto* files = source == nullptr ? nullptr : std::get_if<Object>(&source->variant());
  if (command == nullptr || data == nullptr || files == nullptr)
    return no_answer("it lacks command, source or data");
  answer->report.command = *answer->words.emplace(*command).first;
  answer->report.source = *files;
  answer->report.data = *data;
  return answer;
}

}  // namespace memsect
