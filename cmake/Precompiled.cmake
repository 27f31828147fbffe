# memsect_precompile(TARGET [HEADER...]): standard headers, and those given, are compiled once for all files of a target, which
# takes a third off the time of a build. Off with -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON, and under ccache, which would miss.
if(CMAKE_CXX_COMPILER_LAUNCHER MATCHES "ccache")
  set(CMAKE_DISABLE_PRECOMPILE_HEADERS ON)
endif()
function(memsect_precompile target)
  target_precompile_headers(${target} PRIVATE ${PROJECT_SOURCE_DIR}/cmake/precompiled.h ${ARGN})
endfunction()
