// Every shape a member can have, whether or not the kernel has it where we look.
#include "truth.h"

typedef unsigned char byte_t;
typedef byte_t key_t_[16];
typedef const volatile unsigned long register_t_;
typedef struct {
  int raw;
} anonymous_t;
enum colour { RED = -5, GREEN, BLUE = 0x7fffffff };
enum wide { WIDE_HIGH = 0xffffffffu, WIDE_TOP = 0x8000000000000000ul };
enum __attribute__((packed)) narrow { NARROW_A, NARROW_B = 200 };
enum { LOOSE_MINUS = -1, LOOSE_HUNDRED = 100 };
typedef enum { TYPEDEFED_SEVEN = 7 } typedefed_enum_t;

struct only_declared;
struct arrays {
  int matrix[3][5];
  key_t_ key;
  key_t_ keys[4];
  struct list_head heads[2];
  anonymous_t locks[6];
  struct only_declared* pointers[7];
  const struct list_head fixed;
  unsigned char tail[];
};
struct scalars {
  byte_t tiny;
  register_t_ reg;
  _Atomic int atomic;
  enum colour colour;
  enum narrow narrow;
  typedefed_enum_t typedefed;
  struct only_declared* pointer;
  int (*function)(int, int);
  long double wide;
  _Bool flag;
};
struct bits {
  int before;
  unsigned first : 3;
  unsigned second : 29;
  unsigned third : 1;
  unsigned long fourth : 33;
  unsigned char after;
};
struct nested {
  int outer;
  union {
    struct {
      char a;
      union {
        long b;
        struct {
          short c;
          short d;
        };
      };
    };
    struct list_head named;
  };
  struct {
    int inner;
  } has_a_name;
};
struct empty {};
struct two_dimensions_open {
  int count;
  short rows[][4];
};
union choice {
  int number;
  char text[12];
};

struct arrays* an_arrays;
struct scalars a_scalars;
struct bits a_bits;
struct nested a_nested;
struct empty an_empty;
struct two_dimensions_open* a_two;
union choice a_choice;
enum wide a_wide;

int declared_elsewhere(int a, int b, int c);
int inlined(int a, int b);  // compiled into its caller and on its own: described twice
inline __attribute__((always_inline)) int inlined(int a, int b) { return a + b; }
int no_parameters(void) { return 0; }
int variadic(const char* format, ...) { return *format; }
int build_all_zonelists(int a) { return inlined(a, LOOSE_HUNDRED) + no_parameters() + variadic("x"); }

TRUTH_BEGIN
TRUTH_SIZE(arrays) TRUTH(arrays, matrix) TRUTH(arrays, key) TRUTH(arrays, keys) TRUTH(arrays, heads)
TRUTH(arrays, locks) TRUTH(arrays, pointers) TRUTH(arrays, fixed) TRUTH_FLEXIBLE(arrays, tail)
TRUTH_SIZE(scalars) TRUTH(scalars, tiny) TRUTH(scalars, reg) TRUTH(scalars, atomic) TRUTH(scalars, colour)
TRUTH(scalars, narrow) TRUTH(scalars, typedefed) TRUTH(scalars, pointer) TRUTH(scalars, function)
TRUTH(scalars, wide) TRUTH(scalars, flag)
TRUTH_SIZE(bits) TRUTH(bits, before) TRUTH(bits, after)
TRUTH_SIZE(nested) TRUTH(nested, a) TRUTH(nested, b) TRUTH(nested, c) TRUTH(nested, d) TRUTH(nested, named)
TRUTH(nested, has_a_name)
TRUTH_SIZE(empty) TRUTH_SIZE(two_dimensions_open) TRUTH_FLEXIBLE(two_dimensions_open, rows)
TRUTH_END
