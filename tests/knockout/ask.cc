// Answers questions on a dump of which pages are taken out, for knockout.py: the dump is opened once, and each question is
// the whole way from its pages to JSON. One request a line on standard input:
//
//   open PAGES              opens dump and vmlinux anew while PAGES are out: "0", or the exit status and the message
//   ask PAGES WORDS         a command, its target and options, with PAGES out as well
//   seen                    the pages that were asked for since the last open or seen
//
// PAGES: page frame numbers, with commas; - for none. An answer to `ask` is a line "STATUS BYTES", then the bytes.
#include <fmt/format.h>

#include <iostream>
#include <optional>
#include <sstream>

#include "answer/session.h"
#include "holed_memory.h"
#include "render/report.h"

namespace memsect::test {
namespace {

constexpr int exit_done = 0, exit_found = 1, exit_unreadable = 3, exit_mismatch = 4, exit_partial = 5;

Holes& holes() {
  static Holes the_holes;  // FormatDriver::open is a plain function
  return the_holes;
}

const FormatDriver*& real_format() {
  static const FormatDriver* format = nullptr;
  return format;
}

Result<Dump> open_with_holes(const DumpParts& parts) {
  auto dump = real_format()->open(parts);
  if (dump) dump->memory = std::make_unique<HoledMemory>(std::move(dump->memory), holes());
  return dump;
}

std::set<std::uint64_t> parse_pages(const std::string& text) {
  std::set<std::uint64_t> pages;
  std::istringstream numbers(text == "-" ? "" : text);
  for (std::string number; std::getline(numbers, number, ',');) pages.insert(std::stoull(number));
  return pages;
}

struct Reply {
  int status = exit_done;
  std::string text;
};

Reply reply_of(const Error& error) {
  return {error.code == Errc::mismatch ? exit_mismatch : exit_unreadable, error.message};
}

class Asker {
 public:
  explicit Asker(std::vector<std::string> files) {
    request_.files = std::move(files), request_.search = false;
  }

  Reply open(const std::set<std::uint64_t>& out) {
    session_.reset();
    out_ = holes().out = out;
    auto inputs = open_input_files(request_);
    if (!inputs) return reply_of(inputs.error());
    real_format() = inputs->dump_format;
    const FormatDriver driver{real_format()->name, real_format()->sniff, open_with_holes};
    inputs->dump_format = &driver;
    auto kernel = Kernel::open(*inputs, request_);
    if (!kernel) return reply_of(kernel.error());
    session_.emplace(std::make_shared<const Kernel>(std::move(*kernel)));
    return {};
  }

  Reply ask(const std::set<std::uint64_t>& out, std::istringstream& words) {
    if (!session_) return {exit_unreadable, "nothing is open"};
    holes().out = out_;
    holes().out.insert(out.begin(), out.end());
    Asked asked;
    asked.threads = 1;
    std::string word;
    words >> word;
    const Question* const question = find_question(word);
    if (question == nullptr) return {exit_unreadable, "no such question"};
    while (words >> word) {
      if (word.rfind("--", 0) != 0) {
        asked.targets = {word};
        continue;
      }
      const std::string name = word.substr(2);
      const auto options = question->options();
      const OptionSpec* const option = find_option(options, name);
      const bool has_value = option != nullptr && option->kind != OptionSpec::Kind::flag && words >> word;
      asked.options.set(name, has_value ? std::vector<std::string>{word} : std::vector<std::string>());
    }
    const auto answer = session_->ask(*question, std::move(asked));
    if (!answer) return reply_of(answer.error());
    Reply reply;
    const auto outcome = find_renderer("json")->render(answer->report, {}, [&reply](std::string_view text) {
      reply.text += text;
      return true;
    });
    if (!outcome) return reply_of(outcome.error());
    reply.status = answer->found                             ? exit_found
                   : outcome->absences || answer->incomplete ? exit_partial
                                                             : exit_done;
    return reply;
  }

 private:
  InputRequest request_;
  std::set<std::uint64_t> out_;
  std::optional<Session> session_;
};

void serve(Asker& asker) {
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::string request, pages;
    words >> request >> pages;
    if (request == "seen") {
      for (const std::uint64_t page : holes().asked) std::cout << page << ' ';
      std::cout << std::endl;
      holes().asked.clear();
      continue;
    }
    const Reply reply =
        request == "open" ? asker.open(parse_pages(pages)) : asker.ask(parse_pages(pages), words);
    std::cout << reply.status << ' ' << reply.text.size() << '\n' << reply.text << std::flush;
  }
}

}  // namespace
}  // namespace memsect::test

int main(int argc, char** argv) {
  memsect::test::Asker asker(std::vector<std::string>(argv + 1, argv + argc));
  memsect::test::serve(asker);
}
