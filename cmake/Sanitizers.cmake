# MEMSECT_SANITIZE=address,undefined builds everything so. The fuzz targets want that and the library instrumented.
if(MEMSECT_BUILD_FUZZERS)
  if(NOT MEMSECT_SANITIZE)
    set(MEMSECT_SANITIZE address,undefined)
  endif()
  add_compile_options(-fsanitize=fuzzer-no-link -O1)  # without, a fuzzer makes a tenth of the runs
endif()
if(MEMSECT_SANITIZE)
  add_compile_options(-fsanitize=${MEMSECT_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${MEMSECT_SANITIZE})
endif()
