// Compressed files for tests, made by the libraries whose files they are; lzop's, which has none, by hand.
#pragma once

#include "formats/packing.h"
#include "support/dump_builder.h"

namespace memsect::test {

/// `bytes` as one file of that kind, with all checksums it can have. Empty where the build leaves the kind out.
Buffer pack(Packing packing, Bytes bytes);

constexpr Packing packings[] = {Packing::gzip, Packing::xz, Packing::zstd, Packing::bzip2, Packing::lzop};

}  // namespace memsect::test
