// A file being written. It gets its name when it is complete: a run that fails leaves nothing behind.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "base/view.h"

namespace memsect {

/// Written in any order; what lies between the pieces is zero. Readable by its owner alone: it holds a
/// kernel's memory.
class OutputFile {
 public:
  /// Starts a file that is to be called `path`, beside it. A file of that name is replaced on commit().
  static Result<std::unique_ptr<OutputFile>> create(const std::string& path);
  /// Removes what was written when it was not committed.
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  Result<void> write(std::uint64_t offset, Bytes bytes);
  /// The end of what was written.
  std::uint64_t size() const { return size_; }
  /// Gives the file its length and its name.
  Result<void> commit(std::uint64_t length);

 private:
  OutputFile(std::string path, std::string partial, int descriptor)
      : path_(std::move(path)), partial_(std::move(partial)), descriptor_(descriptor) {}
  Error failure(int number) const;
  Result<void> give_name();

  std::string path_;
  std::string partial_;  ///< what it is called while it grows; empty as long as it has no name
  int descriptor_;
  std::uint64_t size_ = 0;
};

}  // namespace memsect
