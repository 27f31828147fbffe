# One interface target that every target of the project links: warnings, and errors out of them where asked (CI).
add_library(memsect_warnings INTERFACE)
target_compile_options(memsect_warnings INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion
  -Wnon-virtual-dtor -Wold-style-cast -Woverloaded-virtual -Wno-sign-conversion)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 and 13 report std::string and std::variant internals under optimisation (GCC PR 105329, 105562).
  target_compile_options(memsect_warnings INTERFACE -Wno-maybe-uninitialized -Wno-restrict)
endif()
if(MEMSECT_WERROR)
  target_compile_options(memsect_warnings INTERFACE -Werror)
endif()
