// A temporary file without a name, for what is made once and then read at random: gone with the process, however that
// ends.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/file.h"
#include "base/notes.h"
#include "base/result.h"
#include "base/view.h"

namespace memsect {

/// Written front to back. Blocks of zeros take no room in it.
class TempStore {
 public:
  /// In the folder that TMPDIR names, else in /var/tmp: what goes in may be larger than memory, which /tmp often is.
  static Result<TempStore> create();
  ~TempStore();
  TempStore(TempStore&& other) noexcept;
  TempStore& operator=(TempStore&&) = delete;
  TempStore(const TempStore&) = delete;
  TempStore& operator=(const TempStore&) = delete;

  /// `io` when the disk is full, with the advice to name another folder.
  Result<void> append(Bytes bytes);
  std::uint64_t size() const { return size_; }
  const std::string& folder() const { return folder_; }
  /// What was written, as a file that messages call `name`, and what there is to say of it.
  Result<std::shared_ptr<const File>> finish(std::string name, Notes remarks) &&;

 private:
  TempStore(std::string folder, int descriptor) : folder_(std::move(folder)), descriptor_(descriptor) {}
  Result<void> write(std::uint64_t offset, Bytes bytes);

  std::string folder_;
  int descriptor_;
  std::uint64_t size_ = 0;
};

}  // namespace memsect
