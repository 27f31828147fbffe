// What the compiler that made a fixture says about its types, left in the fixture's data for the tests to find: a
// first record called MEMSECT-TRUTH, then one record for each TRUTH() and TRUTH_SIZE(), then an empty one.
#pragma once

struct truth {
  char type[32];
  char member[48];
  unsigned long long offset;
  unsigned long long size;
};

#define TRUTH_BEGIN __attribute__((used)) const struct truth truth_table[] = {{"MEMSECT-TRUTH", "", 0, 0},
#define TRUTH(type, member) \
  {#type, #member, __builtin_offsetof(struct type, member), sizeof(((struct type*)0)->member)},
#define TRUTH_FLEXIBLE(type, member) {#type, #member, __builtin_offsetof(struct type, member), 0},
#define TRUTH_SIZE(type) {#type, "", 0, sizeof(struct type)},
#define TRUTH_END  \
  { "", "", 0, 0 } \
  }                \
  ;

typedef unsigned long size_t_;
typedef struct {
  int counter;
} atomic_t;
typedef struct {
  long counter;
} atomic_long_t;
struct list_head {
  struct list_head *next, *prev;
};
struct callback_head {
  struct callback_head* next;
  void (*func)(struct callback_head*);
};
