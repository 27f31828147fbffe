# Everything memsect is built from. All of it is in Debian 12 and newer and in Fedora.
find_package(PkgConfig REQUIRED)
find_package(fmt REQUIRED)
find_package(tl-expected REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(CLI11 REQUIRED)
find_package(LibDwarf REQUIRED)
find_package(ZLIB REQUIRED)
pkg_check_modules(LIBELF REQUIRED IMPORTED_TARGET libelf)
pkg_check_modules(LIBBPF REQUIRED IMPORTED_TARGET libbpf>=1.0)
pkg_check_modules(SMARTCOLS REQUIRED IMPORTED_TARGET smartcols)

# Page codecs of kdump files. All on by default; a packager may switch one off, pages stored with it are then
# reported as "unsupported" by name.
foreach(codec ZSTD LZO SNAPPY)
  option(MEMSECT_WITH_${codec} "Read kdump pages compressed with ${codec}" ON)
endforeach()
if(MEMSECT_WITH_ZSTD)
  pkg_check_modules(ZSTD REQUIRED IMPORTED_TARGET libzstd)
endif()
if(MEMSECT_WITH_LZO)
  pkg_check_modules(LZO REQUIRED IMPORTED_TARGET lzo2)
endif()
if(MEMSECT_WITH_SNAPPY)
  find_library(SNAPPY_LIBRARY snappy REQUIRED)
endif()

# Files that were compressed as a whole: gzip always, zstd and lzop with the codecs above, and these.
option(MEMSECT_WITH_LZMA "Open files compressed with xz" ON)
option(MEMSECT_WITH_BZIP2 "Open files compressed with bzip2" ON)
if(MEMSECT_WITH_LZMA)
  pkg_check_modules(LZMA REQUIRED IMPORTED_TARGET liblzma)
endif()
if(MEMSECT_WITH_BZIP2)
  find_package(BZip2 REQUIRED)
endif()

# Giving up privileges before an untrusted file is decoded.
option(MEMSECT_WITH_SANDBOX "Drop capabilities and system calls once the files are open (needs libseccomp)" ON)
if(MEMSECT_WITH_SANDBOX)
  pkg_check_modules(SECCOMP REQUIRED IMPORTED_TARGET libseccomp)
endif()
