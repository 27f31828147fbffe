#include "cli/options.h"

#include <fmt/format.h>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>

namespace memsect {

std::string not_empty(const std::string& text) { return text.empty() ? "its value is empty" : ""; }

std::string_view CommonOptions::chosen_format() const {
  if (json) return "json";
  if (pairs) return "pairs";
  if (raw) return "raw";
  return format;
}

std::vector<std::string> CommonOptions::column_names() const {
  std::vector<std::string> names;
  std::string_view rest = columns;
  while (!rest.empty()) {
    const std::string_view name = rest.substr(0, rest.find(','));
    if (!name.empty()) names.emplace_back(name);
    rest.remove_prefix(std::min(rest.size(), name.size() + 1));
  }
  return names;
}

void add_target_option(CLI::App& app, CommonOptions& options, bool several) {
  app.add_option(
         "TARGET", options.target,
         std::string("memoryN, section:N, node:N, pfn:N, phys:ADDRESS, virt:ADDRESS, range:START-END") +
             (several ? "; one or several" : ""))
      ->type_name("")
      ->required();
}

void add_common_options(CLI::App& app, CommonOptions& options, const std::vector<std::string>& formats) {
  app.add_option("FILE", options.input.files, "a dump, and the vmlinux, System.map or BTF of its kernel")
      ->type_name("")
      ->check(not_empty);
  app.add_option("-c,--core", options.input.core, "the dump")->type_name("FILE")->check(not_empty);
  app.add_option("-s,--vmlinux", options.input.vmlinux, "the vmlinux of the dumped kernel")
      ->type_name("FILE")
      ->check(not_empty);
  app.add_option("--symbols", options.input.symbols, "a System.map or a saved /proc/kallsyms of the kernel")
      ->type_name("FILE")
      ->check(not_empty);
  app.add_option("--btf", options.input.btf, "types: a copy of the kernel's /sys/kernel/btf/vmlinux")
      ->type_name("FILE")
      ->check(not_empty);
  app.add_option("--types", options.types, "source of types: auto, dwarf, btf or vmcoreinfo")
      ->type_name("FROM")
      ->check(CLI::IsMember({"auto", "dwarf", "btf", "vmcoreinfo"}));
  app.add_option("--kernel", options.input.kernel,
                 "of several kernels in the dump: the Nth, or the one whose VMCOREINFO is at ADDRESS")
      ->type_name("N|ADDRESS")
      ->check(not_empty);
  app.add_flag("--debuginfod", options.input.debuginfod, "download a missing vmlinux (DEBUGINFOD_URLS)");
  app.add_flag("--no-search", options.no_search, "do not search for a vmlinux if none is given");
  app.add_flag("--no-unpack", options.no_unpack, "do not unpack compressed files into a temporary file");
  app.add_option("--unpack-limit", options.input.unpack_limit,
                 "maximum size of an unpacked file (default 128G)")
      ->type_name("SIZE")
      ->transform(CLI::AsSizeValue(false).description(""));
  app.add_flag("--force", options.input.force, "continue even if dump and vmlinux do not match");
  auto* format = app.add_option("--format", options.format, fmt::format("{}", fmt::join(formats, ", ")));
  format->type_name("FORMAT")->check(CLI::IsMember(formats));
  auto* json = app.add_flag("-J,--json", options.json, "same as --format json");
  auto* pairs = app.add_flag("-P,--pairs", options.pairs, "same as --format pairs (KEY=\"value\")");
  auto* raw = app.add_flag("-r,--raw", options.raw, "same as --format raw");
  json->excludes(pairs)->excludes(raw)->excludes(format);
  pairs->excludes(raw)->excludes(format);
  raw->excludes(format);
  app.add_flag("-n,--noheadings", options.no_headings, "do not print column names");
  app.add_option("-o,--output,--columns", options.columns,
                 "columns, comma separated; +COL adds to the default")
      ->type_name("LIST");
  app.add_flag("-b,--bytes", options.bytes, "sizes in bytes");
  app.add_option("--to", options.to, "write to FILE instead of standard output (-: standard output)")
      ->type_name("FILE")
      ->check(not_empty);
  app.add_option("--color", options.color, "auto, always or never (NO_COLOR is honoured)")
      ->type_name("WHEN")
      ->check(CLI::IsMember({"auto", "always", "never"}));
  app.add_option("--threads", options.threads, "threads used to scan struct pages (0: one per CPU)")
      ->type_name("N")
      ->check(CLI::Range(0U, 1024U).description(""));
  app.add_flag("--no-sandbox", options.no_sandbox, "do not drop privileges before the dump is decoded");
  app.add_flag("--no-cage", options.no_sandbox, "its name before 1.0")->group("");
  app.add_flag("--verbose", options.verbose, "explain how files were found and read");
}

void add_watch_option(CLI::App& app, CommonOptions& options) {
  app.add_option("--watch", options.watch_seconds,
                 "running kernel only: repeat every N seconds and show changes")
      ->type_name("N")
      ->check(CLI::Range(1U, 86400U).description(""));
}

}  // namespace memsect
