// How far a long piece of work has got, on standard error.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace memsect {

/// Shows a line with a percentage that is written over, on a terminal only and not before a second has
/// passed. The line is gone when the work ends.
class Progress {
 public:
  /// `total` is what advance() adds up to.
  Progress(std::string what, std::uint64_t total);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void advance(std::uint64_t count);

 private:
  using Clock = std::chrono::steady_clock;

  std::string what_;
  std::uint64_t total_, done_ = 0;
  bool wanted_, shown_ = false;
  Clock::time_point next_;
};

}  // namespace memsect
