// A question is what a command, a library call or a line at a prompt asks of a kernel: `deps`, `why`, ... Each is one file
// that declares its options and columns once, says what it needs of the kernel and computes the answer. The fronts (the
// program, and whatever else calls) turn their own syntax into `Asked` and write the answer's report in the format wanted.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "answer/options.h"
#include "base/result.h"
#include "render/report.h"

namespace memsect {

class Session;

/// A question with everything that the asker chose.
struct Asked {
  std::vector<std::string> targets;  ///< of the questions that take one, or several
  OptionValues options;
  std::string_view format = "json";  ///< parts of the answer that only another format writes need not be made
  unsigned threads = 0;              ///< for what goes over all struct pages; 0: one for each CPU
};

struct Answer {
  Report report;                     ///< refers to what `kept` holds
  bool incomplete = false;           ///< rows or lists may be missing
  bool found = false;                ///< what the asker wanted to be told of by exit code 1
  std::shared_ptr<const void> kept;  ///< the model and the findings
};

struct Question {
  std::string_view name;
  std::string_view summary;  ///< one line for the list of commands
  std::string_view help;     ///< paragraphs and examples below the options
  std::span<const Column> (*columns)();
  std::vector<OptionSpec> (*options)();
  Result<Answer> (*ask)(Session& session, const Asked& asked);
  enum class Targets { none, one, several } targets = Targets::none;
  bool can_be_watched = false;  ///< it makes sense to ask again and again, of the running kernel
  bool draws_graph = false;     ///< has a form for --format dot
};

extern const Question info_question;
extern const Question sections_question;
extern const Question nodes_question;
extern const Question blocks_question;
extern const Question usemap_question;
extern const Question subsections_question;
extern const Question deps_question;
extern const Question removable_question;
extern const Question why_question;
extern const Question check_question;
extern const Question addr_question;

/// All questions, in the order of the help.
std::span<const Question* const> questions();
/// Null for a name that no question has.
const Question* find_question(std::string_view name);

/// `asked` with the presets of its options. `usage` where options, targets or selections are not of the forms they take,
/// which no kernel is needed for.
Result<Asked> prepare(const Question& question, Asked asked);

}  // namespace memsect
