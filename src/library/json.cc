#include "library/json.h"

#include <fmt/format.h>

#include <array>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

namespace memsect {
namespace {

using Json = nlohmann::ordered_json;

Error usage(std::string text) { return {Errc::usage, std::move(text), {}}; }

Result<Json> parse_object(std::string_view text) {
  if (text.empty()) return Json(Json::object());
  Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded()) return usage("the options are not JSON");
  if (!json.is_object()) return usage("the options are not a JSON object");
  return json;
}

Result<std::string> text_of(const std::string& key, const Json& value) {
  if (!value.is_string()) return usage(key + ": expected a string");
  return value.get<std::string>();
}

Result<bool> flag_of(const std::string& key, const Json& value) {
  if (!value.is_boolean()) return usage(key + ": expected true or false");
  return value.get<bool>();
}

Result<TypesWanted> types_of(const std::string& text) {
  static const std::map<std::string, TypesWanted> known{{"auto", TypesWanted::automatic},
                                                        {"dwarf", TypesWanted::dwarf},
                                                        {"btf", TypesWanted::btf},
                                                        {"vmcoreinfo", TypesWanted::vmcoreinfo}};
  const auto at = known.find(text);
  if (at == known.end()) return usage("types: expected auto, dwarf, btf or vmcoreinfo");
  return at->second;
}

Result<void> read_open_option(const std::string& key, const Json& value, InputRequest& request) {
  const std::map<std::string, std::string*> texts{{"core", &request.core},
                                                  {"vmlinux", &request.vmlinux},
                                                  {"symbols", &request.symbols},
                                                  {"btf", &request.btf}};
  const std::map<std::string, bool*> flags{
      {"search", &request.search}, {"debuginfod", &request.debuginfod}, {"force", &request.force}};
  if (const auto flag = flags.find(key); flag != flags.end()) {
    auto given = flag_of(key, value);
    if (!given) return std::move(given).error();
    *flag->second = *given;
    return {};
  }
  const auto text = texts.find(key);
  if (text == texts.end() && key != "types") return usage(key + ": no such option");
  auto given = text_of(key, value);
  if (!given) return std::move(given).error();
  if (given->empty()) return usage(key + ": its value is empty");
  if (text != texts.end()) {
    *text->second = *std::move(given);
    return {};
  }
  auto types = types_of(*given);
  if (!types) return std::move(types).error();
  request.types = *types;
  return {};
}

/// A value of an option: a text, or a number, which is taken as its text.
Result<std::string> value_of(const std::string& key, const Json& value) {
  if (value.is_number_unsigned()) return std::to_string(value.get<std::uint64_t>());
  return text_of(key, value);
}

/// One of these, or a list of them.
Result<std::vector<std::string>> texts_of(const std::string& key, const Json& value) {
  std::vector<std::string> texts;
  const Json list = value.is_array() ? value : Json::array({value});
  for (const Json& one : list) {
    auto text = value_of(key, one);
    if (!text) return std::move(text).error();
    texts.push_back(*std::move(text));
  }
  return texts;
}

Result<void> read_ask_option(const std::string& key, const Json& value, const OptionSpec& option,
                             OptionValues& values) {
  if (option.kind == OptionSpec::Kind::flag) {
    auto given = flag_of(key, value);
    if (!given) return std::move(given).error();
    if (*given) values.set(key, {});
    return {};
  }
  auto texts = texts_of(key, value);
  if (!texts) return std::move(texts).error();
  values.set(key, *std::move(texts));
  return {};
}

constexpr unsigned most_threads = 1024;

Json option_json(const OptionSpec& option) {
  static constexpr std::array<std::string_view, 4> kinds{"flag", "text", "choice", "names"};
  Json json{{"name", option.name},
            {"kind", kinds[static_cast<std::size_t>(option.kind)]},
            {"value", option.value},
            {"help", option.help}};
  if (!option.choices.empty()) json["choices"] = option.choices;
  if (!option.preset.empty()) json["default"] = option.preset;
  return json;
}

}  // namespace

Result<void> read_open_options(std::string_view json, InputRequest& request) {
  auto object = parse_object(json);
  if (!object) return std::move(object).error();
  for (const auto& [key, value] : object->items()) {
    if (auto done = read_open_option(key, value, request); !done) return std::move(done).error();
  }
  return {};
}

Result<Asked> read_ask_options(std::string_view json, const Question& question) {
  auto object = parse_object(json);
  if (!object) return std::move(object).error();
  const std::vector<OptionSpec> options = question.options();
  Asked asked;
  for (const auto& [key, value] : object->items()) {
    if (key == "threads") {
      if (!value.is_number_unsigned() || value.get<std::uint64_t>() > most_threads)
        return usage(fmt::format("threads: expected a number up to {}", most_threads));
      asked.threads = value.get<unsigned>();
    } else if (key == "target" && question.targets != Question::Targets::none) {
      auto targets = texts_of(key, value);
      if (!targets) return std::move(targets).error();
      asked.targets = *std::move(targets);
    } else if (const OptionSpec* option = find_option(options, key); option != nullptr) {
      if (auto done = read_ask_option(key, value, *option, asked.options); !done)
        return std::move(done).error();
    } else {
      return usage(fmt::format("{}: {} has no such option", key, question.name));
    }
  }
  return asked;
}

std::string questions_json() {
  Json all = Json::array();
  for (const Question* question : questions()) {
    Json options = Json::array(), columns = Json::array();
    for (const OptionSpec& option : question->options()) options.push_back(option_json(option));
    for (const Column& column : question->columns())
      columns.push_back({{"name", column.name}, {"help", column.help}});
    all.push_back({{"name", question->name},
                   {"summary", question->summary},
                   {"target", question->targets != Question::Targets::none},
                   {"options", std::move(options)},
                   {"columns", std::move(columns)}});
  }
  return all.dump(2);
}

}  // namespace memsect
