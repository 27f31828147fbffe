// The report formats, one a file.
#pragma once

#include "render/report.h"

namespace memsect {

/// Reads what rendering needs from files, for a caller that is about to give up opening any.
void prepare_rendering();

extern const Renderer table_renderer;
extern const Renderer json_renderer;
extern const Renderer csv_renderer;
extern const Renderer pairs_renderer;
extern const Renderer raw_renderer;
extern const Renderer dot_renderer;

}  // namespace memsect
