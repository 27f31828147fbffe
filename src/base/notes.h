// What a run has to say beside its answer: the library never prints, it collects.
#pragma once

#include <string>
#include <vector>

namespace memsect {

enum class Severity { note, warning };

/// One remark for the user: a sentence, and where there is one, what to do about it.
struct Note {
  Severity severity = Severity::note;
  std::string text;
  std::string hint;
  friend bool operator==(const Note&, const Note&) = default;
};

/// Remarks in the order they were made; the same remark is kept once, and a hundred are enough for anybody: a
/// damaged dump could cause millions.
class Notes {
 public:
  void note(std::string text, std::string hint = {}) {
    add({Severity::note, std::move(text), std::move(hint)});
  }
  void warn(std::string text, std::string hint = {}) {
    add({Severity::warning, std::move(text), std::move(hint)});
  }
  void add(Note note) {
    if (all_.size() > most_notes) return;
    for (const Note& known : all_) {
      if (known == note) return;
    }
    if (all_.size() == most_notes)
      note = {Severity::warning, "there is more of this kind, left out here", {}};
    all_.push_back(std::move(note));
  }
  void append(const Notes& other) {
    for (const Note& note : other.all_) add(note);
  }
  const std::vector<Note>& all() const { return all_; }

 private:
  static constexpr std::size_t most_notes = 100;
  std::vector<Note> all_;
};

}  // namespace memsect
